/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli/verb.h: the verbs of migctl, one file each.
 */
#pragma once

struct mig_error;

struct verb {
    const char *name;
    const char *summary;
    /* @argv[0] is the verb's name; gives the exit status of the program. */
    int (*run)(int argc, char **argv);
};

extern const struct verb verb_negotiate, verb_baseline, verb_diff, verb_drift, verb_snapshot,
    verb_pool, verb_pki, verb_contract, verb_explain, verb_agreement, verb_audit, verb_plan;

/* Print @err and give its exit status. */
int verb_fail(const struct mig_error *err);
