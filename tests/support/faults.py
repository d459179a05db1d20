"""What tests of faults share. The simulator's journal is the ledger: what it completed was paid
for."""

from cluster import TODO, Case, said, tree, wait_for


class Faults(Case):
    def setUp(self):
        super().setUp()
        self.c.ask_for_every_go_file()

    def ends(self, process, code=0, deadline_s=60):
        self.assertEqual(process.wait(deadline_s), code, said(process))

    def sound(self, *folders, twice=0):
        """Every file that was asked for is there, and is one that was paid for; at most `twice`
        answers were paid for again."""
        paid = self.c.paid()
        for folder in folders:
            files = tree(folder)
            for path, answers in paid.items():
                self.assertIn(files.get(path), answers, path)
        again = {p: len(a) - 1 for p, a in paid.items() if len(a) > 1}
        self.assertLessEqual(sum(again.values()), twice, again)

    def answers(self, count):
        wait_for(f"{count} answers", lambda: len(self.c.ledger()) >= count)


class Remote(Faults):
    """redis-server, a broker and workers of their own."""

    spec = TODO

    def setUp(self):
        super().setUp()
        self.start_redis()
        self.broker = self.c.start_broker()

    def start_redis(self):
        self.c.start_redis()

    def start(self, name, *args, **env):
        return self.c.gc_start(self.spec, "-o", self.c.dir / name, *args, *self.c.cluster_args(),
                               **env)

    def run_to_end(self, name, *args, code=0):
        return self.ok(self.c.gc(self.spec, "-o", self.c.dir / name, *args,
                                 *self.c.cluster_args()), code)

    def jobs(self):
        return self.c.redis_cli("ZRANGE", "gc:jobs", 0, -1).split()

    def job(self):
        return wait_for("a job", self.jobs)[-1]

    def state(self, job):
        return self.c.redis_cli("HGET", f"gc:job:{job}", "state")

    def checkpoint(self, job):
        words = self.c.redis_cli("HGETALL", f"gc:job:{job}:files").split()
        return dict(zip(words[::2], words[1::2]))

    def leases(self):
        keys = self.c.redis_cli("KEYS", "gc:lease:*").split()
        return {self.c.redis_cli("GET", key) for key in keys}
