/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pact/audit.h: one record per decision about a move of a guest, on each host
 * that took part: a line of JSON in a file that is only ever added to.
 */
#pragma once

#include <stdint.h>
#include <stdio.h>

#include "pact/agreement.h"

#define MIG_AUDIT_PATH "/var/log/mig/audit.jsonl"
#define MIG_AUDIT_LINE_MAX 8192

struct mig_audit {
    int64_t at;                                      /* seconds since the epoch, UTC */
    char host[MIG_NAME_MAX];                         /* whose agent decided */
    char who[MIG_NAME_MAX + 32];                     /* "hook/web" */
    char from[320];                                  /* address it asked from */
    const char *what;                                /* "agree", "propose", "approve" ...; static */
    char vm[MIG_VM_ID_MAX], instance[MIG_VM_ID_MAX]; /* "": not known */
    char source[MIG_NAME_MAX], destination[MIG_NAME_MAX];
    bool has_agreement;
    unsigned char agreement[MIG_DIGEST_BYTES], contract[MIG_DIGEST_BYTES];
    const char *verdict;  /* NULL: nothing was judged; static */
    enum mig_code result; /* MIG_OK: done */
    char reason[512];     /* of what was not done */
};

/* Add @a to @path, on disk when it returns.  Its folder is made. */
MIG_MUST_CHECK bool mig_audit_append(const char *path, const struct mig_audit *a,
                                     struct mig_error *err);

/* One record as it stands in a file; texts that are missing are "". */
struct mig_audit_line {
    int64_t at;
    const char *host, *who, *what, *vm, *instance, *source, *destination, *agreement, *verdict,
        *result, *reason;
    const char *json; /* the whole line */
};

/* For one record of @path; borrowed for the call. */
typedef void mig_audit_fn(const struct mig_audit_line *line, void *data);

/* Every record of @path in order.  A line that is none is an error that names
 * it, after all others were read. */
MIG_MUST_CHECK bool mig_audit_read(const char *path, mig_audit_fn *fn, void *data,
                                   struct mig_error *err);

/* One line, without its end; the caller frees. */
char *mig_audit_to_json(const struct mig_audit *a);
