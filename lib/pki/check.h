/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pki/check.h: why will the fleet not talk to this program?  Looks at the files
 * as the program would and goes on after the first fault.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum mig_check_result { MIG_CHECK_PASS, MIG_CHECK_WARN, MIG_CHECK_FAIL };

/* Days before the end of a certificate from which it is a warning. */
#define MIG_CHECK_WARN_DAYS 30

struct mig_check_files {
    const char *ca, *cert, *key;
    const char *crl; /* may be NULL */
};

struct mig_check_line {
    enum mig_check_result result;
    const char *section; /* "trust", "certificate", "key" */
    char *text;
};

/* Zero-initialised is empty. */
struct mig_check {
    struct mig_check_line *items;
    size_t len, cap;
};

/* Add what there is to say about @files at time @now. */
void mig_check_files(const struct mig_check_files *files, int64_t now, struct mig_check *ret);

/* The worst of all lines. */
enum mig_check_result mig_check_worst(const struct mig_check *c);
const char *mig_check_result_name(enum mig_check_result result);

void mig_check_clear(struct mig_check *c);
static inline void mig_check_clear_auto(struct mig_check *c)
{
    mig_check_clear(c);
}
