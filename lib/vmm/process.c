/* SPDX-License-Identifier: Apache-2.0 */
#include "vmm/process.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/text.h"

#define STAT_BYTES_MAX 4096
#define STAT_STARTED 22 /* field of /proc/PID/stat, from 1 (proc(5)) */
#define BOOT_ID_DIGITS 8

static void name_of(pid_t pid, const char *file, char ret[64])
{
    (void)snprintf(ret, 64, "/proc/%d/%s", (int)pid, file);
}

static bool read_started(pid_t pid, uint64_t *ret, struct mig_error *err)
{
    MIG_AUTO(mig_bytes_clear) struct mig_bytes stat = {0};
    char path[64], *at;

    name_of(pid, "stat", path);
    if (!mig_file_read(path, STAT_BYTES_MAX, &stat, err)) {
        return false;
    }
    /* The name is field 2, in brackets, and may hold any character. */
    at = strrchr((char *)stat.items, ')');
    for (int field = 2; at != NULL && field < STAT_STARTED; field++) {
        at = strchr(at + 1, ' ');
    }
    return (at != NULL && mig_text_digits(at + 1, strcspn(at + 1, " "), 10, UINT64_MAX, ret)) ||
           mig_fail(err, MIG_FORMAT, "%s: without the time of its start", path);
}

static bool read_args(struct mig_process *p, struct mig_error *err)
{
    MIG_AUTO(mig_bytes_clear) struct mig_bytes line = {0};
    char path[64];

    name_of(p->pid, "cmdline", path);
    if (!mig_file_read(path, MIG_PROCESS_ARGS_BYTES_MAX, &line, err)) {
        return false;
    }
    if (line.len == 0 || line.items[line.len - 1] != '\0') {
        return mig_fail(err, MIG_FORMAT, "%s: expected arguments with a NUL behind each", path);
    }
    p->text = mig_memdup(line.items, line.len);
    p->args = mig_alloc(MIG_PROCESS_ARGS_MAX + 1, sizeof *p->args);
    for (char *at = p->text; at < p->text + line.len; at += strlen(at) + 1) {
        if (p->args_len == MIG_PROCESS_ARGS_MAX) {
            return mig_fail(err, MIG_LIMIT, "%s: more than %d arguments", path,
                            MIG_PROCESS_ARGS_MAX);
        }
        p->args[p->args_len++] = at;
    }
    return true;
}

bool mig_process_open(pid_t pid, struct mig_process *ret, struct mig_error *err)
{
    MIG_AUTO(mig_process_clear) struct mig_process p = {.pid = pid, .program = -1};
    char path[64];

    name_of(pid, "exe", path);
    p.program = open(path, O_RDONLY | O_CLOEXEC);
    if (p.program < 0) {
        return mig_fail_errno(err, MIG_IO, "%s", path);
    }
    if (!read_started(pid, &p.started, err) || !read_args(&p, err)) {
        return false;
    }
    *ret = p;
    p = (struct mig_process){.program = -1};
    return true;
}

bool mig_process_check(const struct mig_process *p, struct mig_error *err)
{
    uint64_t started = 0;

    if (!read_started(p->pid, &started, err)) {
        return mig_wrap(err, "process %d ended meanwhile", (int)p->pid);
    }
    return started == p->started ||
           mig_fail(err, MIG_MISSING, "process %d ended meanwhile", (int)p->pid);
}

bool mig_process_has(const struct mig_process *p, const char *option, const char *value)
{
    for (size_t i = 1; i + 1 < p->args_len; i++) {
        const char *arg = p->args[i];

        if (arg[0] == '-' && strcmp(arg + (arg[1] == '-' ? 2 : 1), option) == 0 &&
            strcmp(p->args[i + 1], value) == 0) {
            return true;
        }
    }
    return false;
}

/* Processes come and go while they are looked at: those are passed over. */
static bool is_it(pid_t pid, const char *option, const char *value)
{
    struct mig_process p = {.pid = pid, .program = -1};
    struct mig_error ignored;
    bool found = read_args(&p, &ignored) && mig_process_has(&p, option, value);

    mig_process_clear(&p);
    return found;
}

bool mig_process_find(const char *option, const char *value, pid_t *ret, struct mig_error *err)
{
    DIR *all = opendir("/proc");
    const struct dirent *entry;
    size_t found = 0;
    pid_t pid = 0;

    if (all == NULL) {
        return mig_fail_errno(err, MIG_IO, "/proc");
    }
    while ((entry = readdir(all)) != NULL) {
        uint64_t number;

        if (mig_text_digits(entry->d_name, strlen(entry->d_name), 10, INT32_MAX, &number) &&
            is_it((pid_t)number, option, value)) {
            pid = (pid_t)number;
            found++;
        }
    }
    (void)closedir(all);
    if (found != 1) {
        return mig_fail(err, MIG_MISSING,
                        found == 0 ? "no process with -%s %s runs here"
                                   : "more than one process with -%s %s runs here",
                        option, value);
    }
    *ret = pid;
    return true;
}

bool mig_process_instance(const struct mig_process *p, char ret[MIG_VM_ID_MAX],
                          struct mig_error *err)
{
    MIG_AUTO(mig_bytes_clear) struct mig_bytes boot = {0};

    if (!mig_file_read("/proc/sys/kernel/random/boot_id", 64, &boot, err)) {
        return false;
    }
    (void)snprintf(ret, MIG_VM_ID_MAX, "%.*s:%d:%llu", BOOT_ID_DIGITS, (char *)boot.items,
                   (int)p->pid, (unsigned long long)p->started);
    return true;
}

void mig_process_clear(struct mig_process *p)
{
    mig_fd_close(p->program);
    mig_free(p->text);
    mig_free(p->args);
    *p = (struct mig_process){.program = -1};
}
