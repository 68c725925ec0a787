/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation: the result is whole once as many bytes arrived as its
 * header says, and is handed on then.  The child's end comes later: taking a VM
 * down can last ten times as long as asking it.  Until SIGCHLD the child stays
 * in the list with its deadline ticking, so a process that answered and then
 * hangs is killed too.
 *
 *   AT_WORK   -> ANSWERED  whole result read, done() called
 *   AT_WORK   -> KILLED    deadline passed, done() called with an error
 *   AT_WORK   -> gone      it died first: done() called with how
 *   ANSWERED, KILLED -> gone   reaped
 */
#include "agent/child.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/now.h"
#include "wire/loop.h"

/* How long mig_child_run() waits for a process to go after its answer. */
#define REAP_TRIES 2000
#define REAP_PAUSE_NS 1000000

/* The result's descriptor in the child. */
#define RESULT_FD 3

#define CHILD_FILES_MAX 64

struct header {
    uint32_t code; /* enum mig_code: MIG_OK, or what the text behind it says */
    uint32_t len;
};

enum state { AT_WORK, ANSWERED, KILLED };

static const struct mig_child_kind capture = {.name = "capture"};

struct child {
    struct child *next;
    const struct mig_child_kind *kind;
    enum state state;
    pid_t pid;
    int fd;
    uint64_t timeout_ms;
    struct mig_bytes got; /* header and what follows it */
    size_t cap;
    struct mig_watch *readable, *deadline;
    mig_child_done_fn *done;
    void *data;
};

struct mig_children {
    const struct mig_child_kind *kind;
    struct mig_loop *loop;
    struct mig_watch *sigchld;
    struct child *first;
};

/* ---- in the child ---- */

static void leave_parent_behind(const struct mig_child_kind *kind, pid_t parent)
{
    static const int signals[] = {SIGTERM, SIGINT, SIGHUP, SIGCHLD, SIGPIPE};
    struct rlimit files = {CHILD_FILES_MAX, CHILD_FILES_MAX}, none = {0, 0};
    sigset_t all;

    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
        (void)signal(signals[i], SIG_DFL);
    }
    (void)sigemptyset(&all);
    (void)sigprocmask(SIG_SETMASK, &all, NULL);
    (void)setpgid(0, 0);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) {
        _exit(1);
    }
    (void)setrlimit(RLIMIT_NOFILE, &files);
    (void)setrlimit(RLIMIT_CORE, &none);
    if (!kind->writes) {
        (void)setrlimit(RLIMIT_FSIZE, &none);
    }
}

/* Every descriptor but stdio and the result's. */
static void close_others(int fd)
{
    if (fd != RESULT_FD) {
        (void)dup3(fd, RESULT_FD, O_CLOEXEC);
    }
    if (syscall(SYS_close_range, RESULT_FD + 1, ~0U, 0) != 0) {
        long max = sysconf(_SC_OPEN_MAX);

        for (int i = RESULT_FD + 1; i < max; i++) {
            (void)close(i);
        }
    }
}

static _Noreturn void work_and_exit(const struct mig_child_kind *kind, pid_t parent, int fd,
                                    mig_child_fn *fn, const void *work)
{
    struct mig_bytes bytes = {0};
    struct mig_error err = {0};
    struct header header = {0};
    const void *body;

    close_others(fd);
    leave_parent_behind(kind, parent);
    if (fn(work, &bytes, &err)) {
        body = bytes.items;
        header.len = (uint32_t)bytes.len;
    } else {
        body = err.msg;
        header.code = err.code;
        header.len = (uint32_t)strlen(err.msg);
    }
    if (mig_fd_write(RESULT_FD, "result", &header, sizeof header, &err) &&
        mig_fd_write(RESULT_FD, "result", body, header.len, &err)) {
        (void)close(RESULT_FD);
    }
    _exit(0);
}

/* ---- in the parent ---- */

/* The pid, or -1 and errno; @ret_fd reads the result without blocking. */
static pid_t fork_child(const struct mig_child_kind *kind, mig_child_fn *fn, const void *work,
                        int *ret_fd)
{
    pid_t parent = getpid(), pid;
    sigset_t all, before;
    int ends[2];

    if (pipe2(ends, O_CLOEXEC) != 0) {
        return -1;
    }
    (void)fcntl(ends[0], F_SETFL, O_NONBLOCK);
    /* A signal between fork and reset would run the parent's handlers. */
    (void)sigfillset(&all);
    (void)sigprocmask(SIG_SETMASK, &all, &before);
    pid = fork();
    if (pid == 0) {
        work_and_exit(kind, parent, ends[1], fn, work);
    }
    (void)sigprocmask(SIG_SETMASK, &before, NULL);
    mig_fd_close(ends[1]);
    if (pid < 0) {
        mig_fd_close(ends[0]);
        return -1;
    }
    (void)setpgid(pid, pid);
    *ret_fd = ends[0];
    return pid;
}

/* With what it started itself. */
static void kill_child(pid_t pid)
{
    (void)kill(-pid, SIGKILL);
    (void)kill(pid, SIGKILL);
}

/* Has it ended?  Whatever it left running goes too, while its id is still
 * taken: programs that it asked may be scripts with children of their own. */
static bool reap(pid_t pid, int *ret_status)
{
    siginfo_t info = {0};

    if (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid != pid) {
        return false;
    }
    (void)kill(-pid, SIGKILL);
    return waitpid(pid, ret_status, 0) == pid;
}

static bool read_header(const struct child *child, struct header *ret)
{
    if (child->got.len < sizeof *ret) {
        return false;
    }
    memcpy(ret, child->got.items, sizeof *ret);
    return true;
}

static bool is_whole(const struct child *child)
{
    struct header header;

    return read_header(child, &header) && child->got.len - sizeof header >= header.len;
}

/* Take what the pipe holds; false at its end or when that is too much. */
static bool drain(struct child *child)
{
    for (;;) {
        ssize_t got;

        if (child->got.len == child->cap) {
            child->cap = child->cap == 0 ? 32768 : child->cap * 2;
            child->got.items = mig_resize(child->got.items, child->cap, 1);
        }
        got = read(child->fd, child->got.items + child->got.len, child->cap - child->got.len);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return errno == EAGAIN;
        }
        if (got == 0) {
            return false;
        }
        child->got.len += (size_t)got;
        if (child->got.len > MIG_CHILD_BYTES_MAX + sizeof(struct header)) {
            kill_child(child->pid);
            return false;
        }
    }
}

/* The body of a whole result, or the error it carries. */
static bool open_result(const struct child *child, struct mig_bytes *ret, struct mig_error *err)
{
    struct header header = {0};

    if (!read_header(child, &header)) {
        return mig_fail(err, MIG_INTERNAL, "%s process sent nothing", child->kind->name);
    }
    *ret = (struct mig_bytes){child->got.items + sizeof header, header.len};
    if (header.code != MIG_OK) {
        enum mig_code code =
            header.code < MIG_CODE_COUNT ? (enum mig_code)header.code : MIG_INTERNAL;

        return mig_fail(err, code, "%.*s", (int)header.len, (const char *)ret->items);
    }
    return true;
}

static bool fail_deadline(const struct child *child, struct mig_error *err)
{
    return mig_fail(err, MIG_INTERNAL, "%s process was killed at its deadline of %" PRIu64 " ms",
                    child->kind->name, child->timeout_ms);
}

static bool fail_status(const struct child *child, int status, struct mig_error *err)
{
    if (WIFSIGNALED(status)) {
        return mig_fail(err, MIG_INTERNAL, "%s process was ended by signal %d (%s)",
                        child->kind->name, WTERMSIG(status), strsignal(WTERMSIG(status)));
    }
    return mig_fail(err, MIG_INTERNAL, "%s process ended with status %d and no result",
                    child->kind->name, WEXITSTATUS(status));
}

static void child_free(struct child *child)
{
    mig_watch_free(child->readable);
    mig_watch_free(child->deadline);
    mig_fd_close(child->fd);
    mig_bytes_clear(&child->got);
    mig_free(child);
}

static void stop_reading(struct child *child)
{
    mig_watch_free(child->readable);
    child->readable = NULL;
    mig_fd_close(child->fd);
    child->fd = -1;
}

static void report_whole(struct child *child)
{
    struct mig_error err = {0};
    struct mig_bytes bytes;
    bool good = open_result(child, &bytes, &err);

    child->state = ANSWERED;
    stop_reading(child);
    child->done(good ? &bytes : NULL, &err, child->data);
    mig_bytes_clear(&child->got);
}

static void on_readable(int fd __attribute__((unused)), void *data)
{
    struct child *child = data;
    bool more = drain(child);

    if (is_whole(child)) {
        report_whole(child);
    } else if (!more) {
        stop_reading(child); /* why it ended early, its status will tell */
    }
}

static void on_deadline(int fd __attribute__((unused)), void *data)
{
    struct child *child = data;
    struct mig_error err;

    kill_child(child->pid);
    if (child->state == AT_WORK) {
        child->state = KILLED;
        stop_reading(child);
        (void)fail_deadline(child, &err);
        child->done(NULL, &err, child->data);
    }
}

static void on_gone(struct child *child, int status)
{
    struct mig_error err;

    if (child->state != AT_WORK) {
        return;
    }
    if (child->fd >= 0) {
        (void)drain(child);
    }
    if (is_whole(child)) {
        report_whole(child);
    } else {
        (void)fail_status(child, status, &err);
        child->done(NULL, &err, child->data);
    }
}

static void on_sigchld(int signo __attribute__((unused)), void *data)
{
    struct mig_children *c = data;
    struct child **link = &c->first;

    while (*link != NULL) {
        struct child *child = *link;
        int status;

        if (reap(child->pid, &status)) {
            *link = child->next;
            on_gone(child, status);
            child_free(child);
            link = &c->first; /* its callback may have started another */
        } else {
            link = &child->next;
        }
    }
}

struct mig_children *mig_children_new(struct mig_loop *loop, const struct mig_child_kind *kind)
{
    struct mig_children *c = MIG_NEW(struct mig_children);

    c->kind = kind;
    c->loop = loop;
    c->sigchld = mig_loop_signal(loop, SIGCHLD, on_sigchld, c);
    return c;
}

void mig_children_free(struct mig_children *c)
{
    if (c == NULL) {
        return;
    }
    while (c->first != NULL) {
        struct child *child = c->first;

        c->first = child->next;
        kill_child(child->pid);
        (void)waitpid(child->pid, NULL, 0);
        child_free(child);
    }
    mig_watch_free(c->sigchld);
    mig_free(c);
}

bool mig_child_start(struct mig_children *c, mig_child_fn *fn, const void *work,
                     uint64_t timeout_ms, mig_child_done_fn *done, void *data,
                     struct mig_error *err)
{
    struct child *child;
    int fd = -1;
    pid_t pid = fork_child(c->kind, fn, work, &fd);

    if (pid < 0) {
        return mig_fail_errno(err, MIG_INTERNAL, "%s process", c->kind->name);
    }
    child = MIG_NEW(struct child);
    *child = (struct child){.next = c->first,
                            .kind = c->kind,
                            .pid = pid,
                            .fd = fd,
                            .timeout_ms = timeout_ms,
                            .done = done,
                            .data = data};
    child->readable = mig_loop_readable(c->loop, fd, on_readable, child);
    child->deadline = mig_loop_timer(c->loop, timeout_ms, on_deadline, child);
    c->first = child;
    return true;
}

/* The end of a process that was told to end; one that the kernel can not let
 * go is left to init. */
static int wait_end(pid_t pid)
{
    const struct timespec pause = {.tv_nsec = REAP_PAUSE_NS};
    int status = 0;

    for (int i = 0; i < REAP_TRIES && !reap(pid, &status); i++) {
        (void)nanosleep(&pause, NULL);
    }
    return status;
}

/* Read until the result is whole, its end, or the deadline (false). */
static bool wait_for(struct child *child)
{
    uint64_t end = mig_now_ms() + child->timeout_ms;

    for (;;) {
        struct pollfd pfd = {.fd = child->fd, .events = POLLIN};
        uint64_t now = mig_now_ms();

        if (now >= end) {
            return false;
        }
        if (poll(&pfd, 1, (int)(end - now)) > 0 && (!drain(child) || is_whole(child))) {
            return true;
        }
    }
}

bool mig_child_run(mig_child_fn *fn, const void *work, uint64_t timeout_ms, struct mig_bytes *ret,
                   struct mig_error *err)
{
    struct child child = {.kind = &capture, .fd = -1, .timeout_ms = timeout_ms};
    struct mig_bytes bytes = {0};
    bool in_time, good;
    int status;

    child.pid = fork_child(&capture, fn, work, &child.fd);
    if (child.pid < 0) {
        return mig_fail_errno(err, MIG_INTERNAL, "capture process");
    }
    in_time = wait_for(&child);
    if (!in_time || is_whole(&child)) {
        kill_child(child.pid); /* what it had to say is said */
    }
    status = wait_end(child.pid);
    mig_fd_close(child.fd);
    if (is_whole(&child)) {
        good = open_result(&child, &bytes, err);
        if (good) {
            *ret = (struct mig_bytes){mig_alloc(bytes.len + 1, 1), bytes.len};
            memcpy(ret->items, bytes.items, bytes.len);
        }
    } else {
        good = in_time ? fail_status(&child, status, err) : fail_deadline(&child, err);
    }
    mig_bytes_clear(&child.got);
    return good;
}
