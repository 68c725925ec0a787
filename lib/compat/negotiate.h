/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compat/negotiate.h: the two questions over whole snapshots.  What do all
 * these hosts have in common, and could a guest with everything one of them
 * can grant move to another?
 */
#pragma once

#include "compat/finding.h"
#include "compat/profile.h"

/* VERDICT(constant, name, exit status); order: best first */
enum mig_verdict {
#define VERDICT(id, name, exit_status) MIG_##id,
#include "compat/verdict.def"
    MIG_VERDICT_COUNT
};

struct mig_party {
    const char *name; /* borrowed, as all output calls the host */
    const struct mig_snapshot *snapshot;
};

/* What the operator or a policy asks for; zero-initialised is the default. */
struct mig_choice {
    const char *const *allow; /* opt-in names to offer: "mpx", "nested" */
    size_t allow_len;
    bool security_warns;            /* contract: a lost immunity does not block */
    uint32_t minimum;               /* set of levels to reach (cpu/level.h); 0 = the lowest */
    bool require_complete;          /* an uncovered group is unknown, not a warning */
    bool tolerate[MIG_GROUP_COUNT]; /* groups that may stay uncovered all the same */
};

/* What @host gives up against the profile. */
struct mig_loss {
    const char *host;
    char id[MIG_FIELD_ID_MAX];
    const char *name; /* flag name, or "" */
    bool security;
    bool announced; /* the profile says that something is vulnerable or gone */
};

struct mig_result {
    enum mig_verdict verdict;
    bool contract;                /* of a running guest: mig_check_contract() */
    bool emulated;                /* of a guest whose CPU is its VMM's alone: no host's evidence
                                     makes it a yes, a proof does (compat/emulated.h) */
    bool provable;                /* emulated, and unknown for want of that proof alone */
    enum mig_verdict passthrough; /* pair: a guest with all the first can grant;
                                     of a contract: the verdict again */
    const char *direction;        /* pair: which passthrough moves work: both,
                                     forward, backward, none; of a contract NULL */
    bool partial;                 /* some group is uncovered on some host */
    bool uncovered[MIG_GROUP_COUNT];
    struct mig_profile *profile; /* NULL when unknown, or incompatible unless @possible */
    bool possible;               /* incompatible, yet on @profile if KVM or the VMM let it */
    struct mig_findings findings;
    struct mig_loss *losses; /* by host in party order, then id */
    size_t losses_len;
};

/* N hosts, order-free: the profile, what each gives up, what stands against
 * it.  @result starts undefined and ends with mig_result_clear(). */
void mig_baseline(const struct mig_party *parties, size_t len, const struct mig_choice *choice,
                  struct mig_result *ret);

/* The pair question: baseline, plus passthrough from @source to @destination. */
void mig_negotiate(const struct mig_party *source, const struct mig_party *destination,
                   const struct mig_choice *choice, struct mig_result *ret);

/* Would a guest that was shown @own miss it where @common is shown instead? */
bool mig_loss_is(const struct mig_field *f, uint64_t own, uint64_t common);
bool mig_loss_is_security(const struct mig_field *f);

/* Would a guest shown all of @guest find it on @host?  Adds every difference. */
void mig_judge(const struct mig_party *guest, const struct mig_party *host,
               const struct mig_choice *choice, struct mig_findings *ret);

/* The same, weighed only: the worst severity, without a word.  Fast enough to
 * ask of every class of hosts in a fleet. */
enum mig_severity mig_judge_worst(const struct mig_party *guest, const struct mig_party *host,
                                  const struct mig_choice *choice);

/* The running guest's question: may a guest that was shown exactly @guest go
 * from @source to @destination as it is?  What fails on @source too is a
 * presentation difference, a warning.  @source is NULL when only the
 * destination is known: a saved guest that is restored.  The profile of @ret
 * is the one a power cycle would need. */
void mig_check_contract(const struct mig_party *guest, const struct mig_party *source,
                        const struct mig_party *destination, const struct mig_choice *choice,
                        struct mig_result *ret);

/* Lower @ret->verdict to unknown with one finding "trust/...": evidence that
 * can not be believed outranks every other answer. */
void mig_result_distrust(struct mig_result *ret, const char *id, const char *why,
                         const char *remedy);

void mig_result_clear(struct mig_result *r);
const char *mig_verdict_name(enum mig_verdict verdict);
int mig_verdict_exit_status(enum mig_verdict verdict);
