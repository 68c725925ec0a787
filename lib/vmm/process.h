/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vmm/process.h: the process that runs a guest, as /proc shows it.  Its id and
 * the time of its start name one power-on of one guest: a reset from within
 * does not change them, and does not change the CPU either.
 */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "pact/contract.h"

#define MIG_PROCESS_ARGS_BYTES_MAX (256u * 1024)
#define MIG_PROCESS_ARGS_MAX 4096

struct mig_process {
    pid_t pid;
    uint64_t started; /* ticks since the host's boot */
    int program;      /* opened: the file that it was started from, deleted or not */
    char *text;       /* its arguments, each with a NUL */
    char **args;      /* into @text, with a NULL behind the last */
    size_t args_len;
};

MIG_MUST_CHECK bool mig_process_open(pid_t pid, struct mig_process *ret, struct mig_error *err);
void mig_process_clear(struct mig_process *p);
static inline void mig_process_clear_auto(struct mig_process *p)
{
    mig_process_clear(p);
}

/* It still runs, and no other has got its number since. */
MIG_MUST_CHECK bool mig_process_check(const struct mig_process *p, struct mig_error *err);

/* Was it started with @value behind "-@option"? */
bool mig_process_has(const struct mig_process *p, const char *option, const char *value);

/* The only process with @value as argument behind "-@option". */
MIG_MUST_CHECK bool mig_process_find(const char *option, const char *value, pid_t *ret,
                                     struct mig_error *err);

/* "BOOT:PID:START", where BOOT is the beginning of the host's boot id. */
MIG_MUST_CHECK bool mig_process_instance(const struct mig_process *p, char ret[MIG_VM_ID_MAX],
                                         struct mig_error *err);
