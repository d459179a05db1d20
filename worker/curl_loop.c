#include "worker/curl_loop.h"

#include <assert.h>
#include <stdlib.h>

#include "common/mem.h"

#define DRAIN_READS 16384 /* of a read buffer each: more than a socket holds */

struct gc_curl_loop {
    gc_curl_loop_conf conf;
    CURLM *multi;
    uv_timer_t timer; /* as libcurl wants it */
    bool inside;
};

typedef struct socket_watch {
    uv_poll_t poll;
    gc_curl_loop *owner;
    curl_socket_t fd;
} socket_watch;

/* Callbacks may add and remove transfers meanwhile. */
static void report_done(gc_curl_loop *self)
{
    int left;
    for (CURLMsg *msg; (msg = curl_multi_info_read(self->multi, &left));)
        if (msg->msg == CURLMSG_DONE)
            self->conf.on_done(self->conf.arg, msg->easy_handle, msg->data.result);
}

static void act(gc_curl_loop *self, curl_socket_t fd, int flags)
{
    int running;
    self->inside = true;
    curl_multi_socket_action(self->multi, fd, flags, &running);
    self->inside = false;
    report_done(self);
}

/* ---- sockets ---- */

/* The peer has reset the connection. What it sent before is still in the kernel's buffer and
 * was paid for: it is read to the end, where libcurl meets the error itself. */
static void drain_socket(socket_watch *watch)
{
    for (int i = 0; i < DRAIN_READS && !uv_is_closing((uv_handle_t *)&watch->poll); i++)
        act(watch->owner, watch->fd, CURL_CSELECT_IN);
    if (!uv_is_closing((uv_handle_t *)&watch->poll))
        act(watch->owner, watch->fd, CURL_CSELECT_ERR);
}

static void on_socket(uv_poll_t *poll, int status, int events)
{
    socket_watch *watch = poll->data;
    int flags = 0;
    if (status < 0) {
        drain_socket(watch);
        return;
    }
    if (events & (UV_READABLE | UV_DISCONNECT))
        flags |= CURL_CSELECT_IN;
    if (events & UV_WRITABLE)
        flags |= CURL_CSELECT_OUT;
    act(watch->owner, watch->fd, flags);
}

static void on_watch_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static void close_watch(socket_watch *watch)
{
    uv_poll_stop(&watch->poll);
    uv_close((uv_handle_t *)&watch->poll, on_watch_closed);
    curl_multi_assign(watch->owner->multi, watch->fd, NULL);
}

static socket_watch *open_watch(gc_curl_loop *self, curl_socket_t fd)
{
    socket_watch *watch = gc_xcalloc(1, sizeof *watch);
    watch->owner = self;
    watch->fd = fd;
    if (uv_poll_init_socket(self->conf.loop, &watch->poll, fd) != 0) {
        free(watch);
        return NULL;
    }
    watch->poll.data = watch;
    curl_multi_assign(self->multi, fd, watch);
    return watch;
}

static int watch_socket(CURL *easy, curl_socket_t fd, int what, void *arg,
                        void *socket_arg)
{
    gc_curl_loop *self = arg;
    socket_watch *watch = socket_arg;
    if (what == CURL_POLL_REMOVE) {
        if (watch)
            close_watch(watch);
        return 0;
    }
    if (!watch)
        watch = open_watch(self, fd);
    if (!watch)
        return -1;
    if (what == CURL_POLL_IN)
        self->conf.on_written(self->conf.arg, easy);
    int events = (what & CURL_POLL_IN ? UV_READABLE : 0) |
                 (what & CURL_POLL_OUT ? UV_WRITABLE : 0);
    uv_poll_start(&watch->poll, events, on_socket);
    return 0;
}

/* ---- the timer ---- */

static void on_timer(uv_timer_t *timer)
{
    act(timer->data, CURL_SOCKET_TIMEOUT, 0);
}

/* Never acts by itself: libcurl asks from inside its own functions. */
static int set_timer(CURLM *multi, long timeout_ms, void *arg)
{
    (void)multi;
    gc_curl_loop *self = arg;
    if (timeout_ms < 0)
        uv_timer_stop(&self->timer);
    else
        uv_timer_start(&self->timer, on_timer, (uint64_t)timeout_ms, 0);
    return 0;
}

/* ---- transfers ---- */

CURLMcode gc_curl_loop_add(gc_curl_loop *self, CURL *easy)
{
    assert(!self->inside);
    return curl_multi_add_handle(self->multi, easy);
}

void gc_curl_loop_remove(gc_curl_loop *self, CURL *easy)
{
    assert(!self->inside);
    curl_multi_remove_handle(self->multi, easy);
}

bool gc_curl_loop_inside(const gc_curl_loop *self)
{
    return self->inside;
}

/* ---- open and close ---- */

gc_err gc_curl_loop_open(const gc_curl_loop_conf *conf, gc_curl_loop **out)
{
    static bool ready;
    if (!ready && curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return GC_EIO;
    ready = true;
    CURLM *multi = curl_multi_init();
    if (!multi)
        return GC_EIO;
    gc_curl_loop *self = gc_xcalloc(1, sizeof *self);
    self->conf = *conf;
    self->multi = multi;
    uv_timer_init(conf->loop, &self->timer);
    self->timer.data = self;
    curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, watch_socket);
    curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, self);
    curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, set_timer);
    curl_multi_setopt(multi, CURLMOPT_TIMERDATA, self);
    curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, (long)(conf->keep ? conf->keep : 1));
    *out = self;
    return GC_OK;
}

static void on_timer_closed(uv_handle_t *handle)
{
    free(handle->data);
}

void gc_curl_loop_close(gc_curl_loop **self_p)
{
    gc_curl_loop *self = *self_p;
    *self_p = NULL;
    if (!self)
        return;
    curl_multi_cleanup(self->multi);
    uv_close((uv_handle_t *)&self->timer, on_timer_closed);
}
