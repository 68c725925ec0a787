/* SPDX-License-Identifier: Apache-2.0 */
#include "vmm/probe.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/array.h"
#include "base/now.h"
#include "base/text.h"
#include "vmm/launch.h"
#include "vmm/qmp.h"
#include "vmm/sweep.h"

/* Descriptors of the child beside standard input and output, which are QMP. */
#define ANSWERS_FD 3
#define IMAGE_FD 4
#define PROGRAM_FD 5
#define FIRST_FREE_FD 16
#define STRING_(x) #x
#define STRING(x) STRING_(x)

/* All that is open for one run; -1: nothing. */
struct run {
    pid_t pid;
    int qmp, qmp_child, answers, answers_child, image, said;
};

static void run_clear(struct run *r)
{
    int fds[] = {r->qmp, r->qmp_child, r->answers, r->answers_child, r->image, r->said};

    if (r->pid > 0) {
        (void)kill(-r->pid, SIGKILL);
        (void)kill(r->pid, SIGKILL);
        (void)waitpid(r->pid, NULL, 0);
    }
    for (size_t i = 0; i < MIG_COUNT(fds); i++) {
        mig_fd_close(fds[i]);
    }
}

static void run_clear_auto(struct run *r)
{
    run_clear(r);
}

/* The ROM as a file without a name; a whole image or -1. */
static int make_image(void)
{
    static unsigned char image[MIG_SWEEP_IMAGE_BYTES];
    struct mig_error ignored;
    int fd = memfd_create("mig-probe", MFD_CLOEXEC);

    mig_sweep_image(image);
    if (fd >= 0 && !mig_fd_write(fd, "image", image, sizeof image, &ignored)) {
        mig_fd_close(fd);
        return -1;
    }
    return fd;
}

static bool open_all(struct run *r, struct mig_error *err)
{
    int qmp[2], answers[2];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, qmp) != 0) {
        return mig_fail_errno(err, MIG_INTERNAL, "socketpair");
    }
    r->qmp = qmp[0];
    r->qmp_child = qmp[1];
    if (pipe2(answers, O_CLOEXEC) != 0) {
        return mig_fail_errno(err, MIG_INTERNAL, "pipe");
    }
    r->answers = answers[0];
    r->answers_child = answers[1];
    (void)fcntl(r->answers, F_SETFL, O_NONBLOCK);
    r->image = make_image();
    r->said = memfd_create("mig-probe-said", MFD_CLOEXEC);
    return (r->image >= 0 && r->said >= 0) || mig_fail_errno(err, MIG_INTERNAL, "memfd_create");
}

/* ---- in the child ---- */

static void forget_parent(void)
{
    static const int signals[] = {SIGTERM, SIGINT, SIGHUP, SIGCHLD, SIGPIPE};
    struct rlimit none = {0, 0};
    sigset_t all;

    for (size_t i = 0; i < MIG_COUNT(signals); i++) {
        (void)signal(signals[i], SIG_DFL);
    }
    (void)sigemptyset(&all);
    (void)sigprocmask(SIG_SETMASK, &all, NULL);
    (void)setpgid(0, 0);
    (void)setrlimit(RLIMIT_CORE, &none);
}

/* Into their places, out of the way of each other first. */
static void place_files(const struct run *r, int program)
{
    const int from[] = {r->qmp_child, r->qmp_child, r->said, r->answers_child, r->image, program};
    int high[MIG_COUNT(from)];

    for (size_t i = 0; i < MIG_COUNT(from); i++) {
        high[i] = fcntl(from[i], F_DUPFD_CLOEXEC, FIRST_FREE_FD);
    }
    for (size_t i = 0; i < MIG_COUNT(from); i++) {
        if (high[i] >= 0) {
            (void)dup3(high[i], (int)i, i == PROGRAM_FD ? O_CLOEXEC : 0);
        }
    }
    (void)syscall(SYS_close_range, PROGRAM_FD + 1, ~0U, 0);
}

static _Noreturn void become(const struct mig_probe *probe, const struct run *r, char **argv,
                             pid_t parent)
{
    char locale[] = "LC_ALL=C";
    char *envp[] = {locale, NULL};

    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() == parent) {
        forget_parent();
        place_files(r, probe->path == NULL ? probe->program : -1);
        if (probe->path != NULL) {
            (void)execve(probe->path, argv, envp);
        } else {
            (void)syscall(SYS_execveat, PROGRAM_FD, "", argv, envp, AT_EMPTY_PATH);
        }
        (void)dprintf(STDERR_FILENO, "can not be started: %s\n", strerror(errno));
    }
    _exit(127);
}

/* ---- in the parent ---- */

/* Enough to be asked. */
static const char *const bare[] = {
    "-nodefaults", "-no-user-config", "-S", "-display", "none", "-qmp", "stdio",
};

static const char *const no_machine[] = {"-machine", "none"};

/* A guest of which only the CPU matters. */
static const char *const looking[] = {
    "-no-reboot",
    "-m",
    "16",
    "-bios",
    "/proc/self/fd/" STRING(IMAGE_FD),
    "-chardev",
    "file,id=answers,path=/proc/self/fd/" STRING(ANSWERS_FD),
    "-device",
    "isa-debugcon,iobase=0xe9,chardev=answers",
};

static bool start(const struct mig_probe *probe, bool looks, struct run *r, struct mig_error *err)
{
    const char *const *kind = looks ? looking : no_machine;
    size_t len = 0, kind_len = looks ? MIG_COUNT(looking) : MIG_COUNT(no_machine);
    size_t count = 1 + MIG_COUNT(bare) + kind_len + probe->launch->len;
    const char **argv = mig_alloc(count + 1, sizeof *argv);
    pid_t parent = getpid();
    sigset_t all, before;

    argv[len++] = probe->path != NULL ? probe->path : "qemu";
    for (size_t i = 0; i < MIG_COUNT(bare); i++) {
        argv[len++] = bare[i];
    }
    for (size_t i = 0; i < kind_len; i++) {
        argv[len++] = kind[i];
    }
    for (size_t i = 0; i < probe->launch->len; i++) {
        argv[len++] = probe->launch->items[i];
    }
    /* A signal between fork and reset would run the parent's handlers. */
    (void)sigfillset(&all);
    (void)sigprocmask(SIG_SETMASK, &all, &before);
    r->pid = fork();
    if (r->pid == 0) {
        become(probe, r, (char **)(uintptr_t)argv, parent);
    }
    (void)sigprocmask(SIG_SETMASK, &before, NULL);
    mig_free(argv);
    if (r->pid < 0) {
        return mig_fail_errno(err, MIG_INTERNAL, "fork");
    }
    (void)setpgid(r->pid, r->pid);
    mig_fd_close(r->qmp_child);
    mig_fd_close(r->answers_child);
    r->qmp_child = r->answers_child = -1;
    return true;
}

static bool is_whole(const struct mig_bytes *got)
{
    return got->len == mig_sweep_answer_bytes() ||
           (got->len >= 8 && memcmp(got->items + got->len - 8, "MIGBROKE", 8) == 0);
}

/* Until the report is whole or ends; what it says is for others to read. */
static bool gather(int fd, uint64_t end, struct mig_bytes *ret, struct mig_error *err)
{
    ret->items = mig_alloc(MIG_SWEEP_ANSWER_BYTES_MAX + 1, 1);
    while (!is_whole(ret)) {
        struct pollfd pfd = {.fd = fd, .events = POLLIN};
        uint64_t now = mig_now_ms();
        ssize_t got;

        if (now >= end) {
            return mig_fail(err, MIG_UNREACHABLE, "no whole report in time, %zu bytes of %zu",
                            ret->len, mig_sweep_answer_bytes());
        }
        if (poll(&pfd, 1, (int)(end - now)) <= 0) {
            continue;
        }
        got = read(fd, ret->items + ret->len, MIG_SWEEP_ANSWER_BYTES_MAX - ret->len);
        if (got == 0) {
            return ret->len > 0 || mig_fail(err, MIG_MISSING, "ended without a report");
        }
        ret->len += got > 0 ? (size_t)got : 0;
    }
    return true;
}

/* Put the first line that QEMU wrote about itself behind the error. */
static bool fail_as_said(const struct run *r, struct mig_error *err)
{
    char said[256];
    ssize_t len = pread(r->said, said, sizeof said - 1, 0);
    struct mig_error whole = {.code = err->code};

    if (len > 0) {
        said[len] = '\0';
        said[strcspn(said, "\n")] = '\0';
        mig_text_make_printable(said);
        (void)snprintf(whole.msg, sizeof whole.msg, "%.240s (it says: %.240s)", err->msg, said);
        *err = whole;
    }
    return mig_wrap(err, "probe");
}

static bool talk(const struct mig_probe *probe, struct run *r, uint64_t end, struct mig_bytes *ret,
                 struct mig_error *err)
{
    MIG_AUTO(mig_qmp_free) struct mig_qmp *q = NULL;
    MIG_AUTO(mig_bytes_clear) struct mig_bytes bytes = {0};
    json_t *nothing = NULL;
    int fd = r->qmp;

    r->qmp = -1;
    if (!mig_qmp_take(fd, "scratch guest", probe->timeout_ms, &q, err) ||
        (probe->check != NULL && !probe->check(q, probe->data, err)) ||
        !mig_qmp_ask(q, "cont", NULL, JSON_OBJECT, &nothing, err)) {
        return false;
    }
    json_decref(nothing);
    if (!gather(r->answers, end, &bytes, err)) {
        return false;
    }
    *ret = bytes;
    bytes = (struct mig_bytes){0};
    return true;
}

bool mig_probe_run(const struct mig_probe *probe, struct mig_bytes *ret, struct mig_error *err)
{
    MIG_AUTO(run_clear) struct run r = {-1, -1, -1, -1, -1, -1, -1};
    uint64_t end = mig_now_ms() + probe->timeout_ms;

    if (!open_all(&r, err) || !start(probe, true, &r, err)) {
        return mig_wrap(err, "probe");
    }
    return talk(probe, &r, end, ret, err) || fail_as_said(&r, err);
}

bool mig_probe_ask(const struct mig_probe *probe, struct mig_error *err)
{
    MIG_AUTO(run_clear) struct run r = {-1, -1, -1, -1, -1, -1, -1};
    MIG_AUTO(mig_qmp_free) struct mig_qmp *q = NULL;
    int fd;

    if (!open_all(&r, err) || !start(probe, false, &r, err)) {
        return mig_wrap(err, "probe");
    }
    fd = r.qmp;
    r.qmp = -1;
    return (mig_qmp_take(fd, "QEMU", probe->timeout_ms, &q, err) &&
            probe->check(q, probe->data, err)) ||
           fail_as_said(&r, err);
}
