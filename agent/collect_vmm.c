/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/collect.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/recall.h"
#include "base/file.h"
#include "base/now.h"
#include "base/text.h"

#if defined(__aarch64__)
#define MIG_COLLECT_MACHINE "aarch64"
#else
#define MIG_COLLECT_MACHINE "x86_64"
#endif

/* A version line is short; what is longer is cut. */
#define LINE_MAX_BYTES 256

static const struct {
    const char *fact, *path;
} programs[] = {
#define VMM(name, path) {"vmm." #name, path},
#include "agent/vmm.def"
};

#define PROGRAMS (sizeof programs / sizeof *programs)

/* One program at work. */
struct question {
    const char *fact, *path;
    struct mig_mark mark;
    pid_t pid;
    int fd; /* -1: not running */
    int errnum;
    char line[LINE_MAX_BYTES];
    size_t len;
};

const char *mig_collect_vmm_find(const char *fact)
{
    for (size_t i = 0; i < PROGRAMS; i++) {
        if (strcmp(programs[i].fact, fact) == 0 && access(programs[i].path, X_OK) == 0) {
            return programs[i].path;
        }
    }
    return NULL;
}

/* @ret gets one question per fact, for the first program that is installed. */
static size_t find_programs(int root, struct question ret[PROGRAMS])
{
    const char *found = "";
    size_t len = 0;

    for (size_t i = 0; i < PROGRAMS; i++) {
        struct mig_mark mark;

        if (strcmp(found, programs[i].fact) != 0 && mig_mark_get(root, programs[i].path, &mark)) {
            found = programs[i].fact;
            ret[len++] = (struct question){
                .fact = programs[i].fact, .path = programs[i].path, .mark = mark, .fd = -1};
        }
    }
    return len;
}

/* The whole path of @path below @root; a script wants one that outlives exec. */
static int whole_path(int root, const char *path, char ret[PATH_MAX])
{
    char link[64], folder[PATH_MAX];
    ssize_t len;

    (void)snprintf(link, sizeof link, "/proc/self/fd/%d", root);
    len = readlink(link, folder, sizeof folder);
    if (len < 0 || (size_t)len + strlen(path) >= PATH_MAX) {
        return len < 0 ? errno : ENAMETOOLONG;
    }
    len = len == 1 ? 0 : len; /* "/" */
    memcpy(ret, folder, (size_t)len);
    memcpy(ret + len, path, strlen(path) + 1);
    return 0;
}

/* With nothing of our environment, files or terminal; it must not outlive us.
 * Why it could not start goes where its version would, behind a NUL. */
static _Noreturn void become(char *path, int write_end, pid_t parent)
{
    char name[] = "--version", locale[] = "LC_ALL=C";
    char *argv[] = {path, name, NULL}, *envp[] = {locale, NULL};
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    unsigned char failure[2] = {0};

    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() == parent) {
        (void)dup2(null, STDIN_FILENO);
        (void)dup2(write_end, STDOUT_FILENO);
        (void)dup2(null, STDERR_FILENO);
        (void)execve(path, argv, envp);
        failure[1] = (unsigned char)errno;
        if (write(write_end, failure, sizeof failure) < 0) {
            _exit(126);
        }
    }
    _exit(127);
}

static int start(int root, struct question *q, int write_end)
{
    char path[PATH_MAX];
    pid_t parent = getpid();
    int errnum = whole_path(root, q->path, path);

    if (errnum != 0) {
        return errnum;
    }
    q->pid = fork();
    if (q->pid == 0) {
        become(path, write_end, parent);
    }
    return q->pid < 0 ? errno : 0;
}

static void ask(int root, struct question *q)
{
    int ends[2];

    if (pipe2(ends, O_CLOEXEC) != 0) {
        q->errnum = errno;
        return;
    }
    q->errnum = start(root, q, ends[1]);
    mig_fd_close(ends[1]);
    if (q->errnum != 0) {
        mig_fd_close(ends[0]);
        return;
    }
    q->fd = ends[0];
}

static void finish(struct question *q, int errnum)
{
    q->errnum = errnum;
    mig_fd_close(q->fd);
    q->fd = -1;
    (void)kill(q->pid, SIGKILL);
    (void)waitpid(q->pid, NULL, 0);
}

static void listen_to(struct question *q)
{
    ssize_t got = read(q->fd, q->line + q->len, sizeof q->line - 1 - q->len);

    if (got < 0 && errno == EINTR) {
        return;
    }
    if (got < 0) {
        finish(q, errno);
        return;
    }
    q->len += (size_t)got;
    q->line[q->len] = '\0';
    if (q->len >= 2 && q->line[0] == '\0') {
        finish(q, (unsigned char)q->line[1]);
    } else if (strchr(q->line, '\n') != NULL || q->len == sizeof q->line - 1) {
        finish(q, 0);
    } else if (got == 0) {
        finish(q, q->len > 0 ? 0 : ENODATA);
    }
}

/* All programs run side by side: the slowest decides. */
static void gather(struct question *items, size_t len, uint64_t timeout_ms)
{
    uint64_t end = mig_now_ms() + timeout_ms;
    struct pollfd fds[PROGRAMS];

    for (;;) {
        uint64_t now = mig_now_ms();
        bool running = false;

        for (size_t i = 0; i < len; i++) {
            fds[i] = (struct pollfd){.fd = items[i].fd, .events = POLLIN};
            running |= items[i].fd >= 0;
        }
        if (!running || now >= end || (poll(fds, len, (int)(end - now)) < 0 && errno != EINTR)) {
            break;
        }
        for (size_t i = 0; i < len; i++) {
            if (items[i].fd >= 0 && fds[i].revents != 0) {
                listen_to(&items[i]);
            }
        }
    }
    for (size_t i = 0; i < len; i++) {
        if (items[i].fd >= 0) {
            finish(&items[i], ETIMEDOUT);
        }
    }
}

static void add(struct mig_builder *b, struct question *q)
{
    char source[PATH_MAX];

    (void)snprintf(source, sizeof source, "%s --version", q->path);
    if (q->errnum != 0) {
        mig_builder_add_unreadable_fact(b, q->fact, q->errnum, source);
        return;
    }
    q->line[strcspn(q->line, "\n")] = '\0';
    mig_builder_add_fact(b, q->fact, mig_text_trim(q->line), source);
}

void mig_collect_vmm(struct mig_builder *b, int root, const struct mig_recall *recall,
                     uint64_t timeout_ms)
{
    struct question items[PROGRAMS];
    size_t len = find_programs(root, items), asked = 0;

    for (size_t i = 0; i < len; i++) {
        if (!mig_recall_add(recall, b, items[i].fact, &items[i].mark)) {
            items[asked] = items[i];
            ask(root, &items[asked++]);
        }
    }
    gather(items, asked, timeout_ms);
    for (size_t i = 0; i < asked; i++) {
        add(b, &items[i]);
    }
}

void mig_collect_vmm_expect(struct mig_recall *recall, int root)
{
    struct question items[PROGRAMS];
    size_t len = find_programs(root, items);

    for (size_t i = 0; i < len; i++) {
        mig_recall_expect(recall, items[i].fact, &items[i].mark);
    }
}
