/* SPDX-License-Identifier: Apache-2.0 */
#include "pool.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/array.h"
#include "base/log.h"
#include "base/now.h"
#include "base/text.h"
#include "seal/key.h"
#include "session/terms.h"

static bool claims_to_be_snapshot(const char *path)
{
    return mig_text_ends(path, ".json") || mig_text_ends(path, ".sealed");
}

/* A snapshot that is not there, such as a link to nowhere, is kept for the
 * message that reading it gives. */
static bool may_be_member(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 ? S_ISREG(st.st_mode) : claims_to_be_snapshot(path);
}

static int compare_paths(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Names of all files that are not hidden, sorted. */
static bool list(const char *directory, struct pool *p, struct mig_error *err)
{
    DIR *dir = opendir(directory);
    struct dirent *entry;

    if (dir == NULL) {
        return mig_fail_errno(err, MIG_USAGE, "%s", directory);
    }
    p->paths = mig_alloc(POOL_MEMBERS_MAX + 1, sizeof *p->paths);
    while ((entry = readdir(dir)) != NULL) {
        char *path = mig_strf("%s/%s", directory, entry->d_name);

        if (entry->d_name[0] == '.' || !may_be_member(path) || p->members > POOL_MEMBERS_MAX) {
            mig_free(path);
            continue;
        }
        if (p->members == POOL_MEMBERS_MAX) {
            mig_free(path);
            (void)closedir(dir);
            return mig_fail(err, MIG_LIMIT, "%s: more than %d files", directory, POOL_MEMBERS_MAX);
        }
        p->paths[p->members++] = path;
    }
    (void)closedir(dir);
    qsort(p->paths, p->members, sizeof *p->paths, compare_paths);
    return true;
}

/* Keep what is a member or should have been one. */
static void read_members(struct pool *p, const struct mig_trust *trust)
{
    size_t kept = 0;

    p->with.hosts = mig_alloc(p->members + 1, sizeof *p->with.hosts);
    for (size_t i = 0; i < p->members; i++) {
        struct mig_evidence *e = &p->with.hosts[kept];
        struct mig_error err;

        if (!mig_evidence_read(trust, p->paths[i], mig_now_unix(), e, &err)) {
            if (err.code == MIG_FORMAT && !claims_to_be_snapshot(p->paths[i])) {
                mig_log_warn("%s is not in the pool: no known format", p->paths[i]);
                mig_free(p->paths[i]);
                *e = (struct mig_evidence){0};
                continue;
            }
            (void)strncpy(e->name, p->paths[i], sizeof e->name - 1);
            e->error = err;
            e->age_s = -1;
        }
        p->paths[kept++] = p->paths[i];
    }
    memset((void *)&p->paths[kept], 0, (p->members - kept) * sizeof *p->paths);
    p->members = kept;
}

bool pool_load(const char *directory, const struct mig_host_options *o, struct pool *ret,
               struct mig_error *err)
{
    MIG_AUTO(mig_trust_free) struct mig_trust *trust = NULL;

    ret->directory = directory;
    if (!mig_gather_load_trust(&o->gather, &trust, err) || !list(directory, ret, err)) {
        return false;
    }
    read_members(ret, trust);
    ret->with.hosts_len = ret->members;
    return mig_decision_check_names(ret->with.hosts, (const char *const *)ret->paths, ret->members,
                                    false, err);
}

/* A host that is in the pool already is measured against the others: its file
 * there is the older snapshot. */
static void leave_out(struct pool *p, const char *name)
{
    for (size_t i = 0; i < p->members; i++) {
        size_t behind = p->members - i - 1;

        if (strcmp(p->with.hosts[i].name, name) != 0) {
            continue;
        }
        mig_evidence_clear(&p->with.hosts[i]);
        p->replaced = p->paths[i];
        memmove(&p->with.hosts[i], &p->with.hosts[i + 1], behind * sizeof *p->with.hosts);
        memmove(&p->paths[i], &p->paths[i + 1], behind * sizeof *p->paths);
        p->members--;
        p->with.hosts_len--;
        p->paths[p->members] = NULL;
        p->with.hosts[p->members] = (struct mig_evidence){0};
        return;
    }
}

static void add_loss(struct pool *p, const struct mig_field *f, uint64_t pool, uint64_t with_host)
{
    struct pool_loss *loss = MIG_PUSH(&p->lost);

    mig_field_print_id(f, f->reg.sub, loss->id);
    loss->name = f->name;
    loss->pool = (struct mig_seen){MIG_KNOWN, pool};
    loss->with_host = (struct mig_seen){MIG_KNOWN, with_host};
    loss->security = mig_loss_is_security(f);
}

/* Everything by which a guest on the pool's profile could tell that the host
 * has joined. */
static void compare_profiles(struct pool *p)
{
    const struct mig_profile *before = p->alone.profile, *after = p->with.result.profile;
    const struct mig_fields all = mig_field_all();

    for (size_t i = 0; i < all.len; i++) {
        const struct mig_field *f = &all.items[i];
        const struct mig_word *a = mig_profile_find(before, f->reg);
        const struct mig_word *b = mig_profile_find(after, f->reg);
        uint64_t was = mig_field_get(f, mig_profile_get(before, f->reg));
        uint64_t is = mig_field_get(f, mig_profile_get(after, f->reg));

        bool covered = (a == NULL || a->covered) && (b == NULL || b->covered);
        bool in_profile = f->reg.space == MIG_SPACE_CPUID || f->reg.space == MIG_SPACE_MSR;

        if (in_profile && covered && mig_loss_is(f, was, is)) {
            add_loss(p, f, was, is);
        }
    }
}

static enum pool_answer answer(struct pool *p)
{
    if (p->with.result.verdict == MIG_UNKNOWN || p->alone.verdict == MIG_UNKNOWN) {
        return POOL_UNKNOWN;
    }
    if (p->alone.profile == NULL) {
        mig_result_distrust(&p->with.result, "pool/no-profile",
                            "the pool has no common profile even without this host",
                            "see 'migctl baseline' of its members");
        return POOL_UNKNOWN;
    }
    if (p->with.result.profile == NULL) {
        return POOL_REFUSED;
    }
    compare_profiles(p);
    return p->lost.len > 0 ? POOL_JOINS_WITH_LOSS : POOL_JOINS;
}

static void judge_alone(struct pool *p, const struct mig_choice *choice)
{
    struct mig_party *parties = mig_alloc(p->members, sizeof *parties);
    bool whole = true;

    for (size_t i = 0; i < p->members; i++) {
        parties[i] = (struct mig_party){p->with.hosts[i].name, p->with.hosts[i].snapshot};
        whole = whole && parties[i].snapshot != NULL;
    }
    if (whole) {
        mig_baseline(parties, p->members, choice, &p->alone);
    } else {
        p->alone.verdict = MIG_UNKNOWN;
    }
    mig_free(parties);
}

bool pool_check(struct pool *p, const char *host, const struct mig_host_options *o,
                struct mig_error *err)
{
    struct mig_evidence e;
    struct mig_choice choice = o->choice;

    choice.require_complete = true;
    if (!mig_gather_run(&o->gather, &host, 1, &e, err)) {
        mig_evidence_clear(&e);
        return false;
    }
    leave_out(p, e.name);
    p->with.hosts[p->members] = e;
    p->with.hosts_len = p->members + 1;
    p->paths[p->members] = mig_strdup(host);
    if (p->members == 0) {
        return mig_fail(err, MIG_USAGE, "%s: holds no snapshot of another host", p->directory);
    }
    if (!mig_decision_judge(&p->with, &choice, &o->belief, false, err)) {
        return false;
    }
    judge_alone(p, mig_terms_choice(p->with.terms));
    p->answer = answer(p);
    return true;
}

const char *pool_answer_name(enum pool_answer answer)
{
    static const char *const names[] = {
        [POOL_JOINS] = "joins",
        [POOL_JOINS_WITH_LOSS] = "joins-with-loss",
        [POOL_REFUSED] = "refused",
        [POOL_UNKNOWN] = "unknown",
    };

    return names[answer];
}

int pool_answer_exit_status(enum pool_answer answer)
{
    static const int status[] = {
        [POOL_JOINS] = 0, [POOL_JOINS_WITH_LOSS] = 3, [POOL_REFUSED] = 1, [POOL_UNKNOWN] = 4};

    return status[answer];
}

void pool_clear(struct pool *p)
{
    for (size_t i = 0; p->paths != NULL && i <= p->members; i++) {
        mig_free(p->paths[i]);
    }
    mig_free((void *)p->paths);
    mig_free(p->replaced);
    mig_free(p->lost.items);
    mig_result_clear(&p->alone);
    mig_decision_clear(&p->with);
    *p = (struct pool){0};
}
