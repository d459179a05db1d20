#include <stdio.h>

#include "broker/broker.h"
#include "common/program.h"

#define EXIT_NETWORK 7

int main(int argc, char **argv)
{
    gc_broker_conf conf;
    gc_broker *broker = NULL;
    gc_errinfo info = { 0 };
    int status = gc_broker_conf_load(&conf, argc, argv); /* prints usage itself */
    if (status < 0) {
        gc_err err = gc_broker_new(&conf, &broker, &info);
        if (err)
            fprintf(stderr, "gc-broker: error: %s\n", info.text);
        status = !err            ? gc_broker_run(broker)
                 : err == GC_EIO ? EXIT_NETWORK
                                 : GC_PROGRAM_EXIT_USAGE;
    }
    gc_broker_destroy(&broker);
    gc_broker_conf_release(&conf);
    return status;
}
