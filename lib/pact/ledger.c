/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation: an agreement is the file ID.STATE, which holds its
 * envelope; a step is one rename, synced.  Which states may follow which stands
 * in one table, so that no path leads back to "signed".
 */
#include "pact/ledger.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/text.h"
#include "seal/seal.h"

#define ID_LEN (2 * MIG_DIGEST_BYTES)
#define FILE_NAME_MAX (ID_LEN + 32)

static const char *const names[MIG_LEDGER_STATE_COUNT] = {
    [MIG_LEDGER_SIGNED] = "signed",
    [MIG_LEDGER_APPROVED] = "approved",
    [MIG_LEDGER_COMPLETED] = "completed",
    [MIG_LEDGER_ABANDONED] = "abandoned",
};

static const bool follows[MIG_LEDGER_STATE_COUNT][MIG_LEDGER_STATE_COUNT] = {
  /* At a source whose gate never asked, the guest's arrival is told all the same. */
    [MIG_LEDGER_SIGNED] = {[MIG_LEDGER_APPROVED] = true,
                           [MIG_LEDGER_COMPLETED] = true,
                           [MIG_LEDGER_ABANDONED] = true},
    [MIG_LEDGER_APPROVED] = {[MIG_LEDGER_COMPLETED] = true,                            [MIG_LEDGER_ABANDONED] = true},
};

const char *mig_ledger_state_name(enum mig_ledger_state state)
{
    MIG_ASSERT((unsigned)state < MIG_LEDGER_STATE_COUNT);
    return names[state];
}

static char *path_of(const struct mig_ledger *l, const struct mig_agreement *a,
                     enum mig_ledger_state state)
{
    char id[ID_LEN + 1];

    mig_text_hex(a->id, sizeof a->id, id);
    return mig_strf("%s/%s.%s", l->dir, id, names[state]);
}

static bool sync_folder(const char *dir, struct mig_error *err)
{
    MIG_AUTO(mig_fd_close) int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    return (fd >= 0 && fsync(fd) == 0) || mig_fail_errno(err, MIG_IO, "agreements %s", dir);
}

/* ---- forgetting ---- */

/* Expired is refused for its time; only a move that runs still needs its entry. */
static int64_t needed_until(const struct mig_agreement *a, enum mig_ledger_state state)
{
    return a->expires_at + MIG_AGREEMENT_SKEW_S +
           (state == MIG_LEDGER_APPROVED ? MIG_LEDGER_MOVE_S : 0);
}

static bool is_over(const struct mig_ledger *l, const char *name, int64_t now)
{
    MIG_AUTO(mig_free) char *path = mig_strf("%s/%s", l->dir, name);
    MIG_AUTO(mig_bytes_clear) struct mig_bytes sealed = {0};
    struct mig_agreement a;
    struct mig_error err;
    struct stat st;

    if (stat(path, &st) != 0 || st.st_mtime + MIG_AGREEMENT_SKEW_S > now) {
        return false; /* not worth a look */
    }
    for (int state = 0; state < MIG_LEDGER_STATE_COUNT; state++) {
        if (strcmp(name + ID_LEN + 1, names[state]) == 0) {
            return mig_file_read(path, MIG_SEALED_MAX, &sealed, &err) &&
                   mig_agreement_open_ever(l->trust, &sealed, &a, &err) &&
                   now > needed_until(&a, (enum mig_ledger_state)state);
        }
    }
    return true; /* half written by an agent that was killed */
}

static bool is_ours(const char *name)
{
    uint64_t unused;

    for (size_t i = 0; i < ID_LEN; i++) {
        if (!mig_text_digits(&name[i], 1, 16, 15, &unused)) {
            return false;
        }
    }
    return name[ID_LEN] == '.';
}

static void forget(const struct mig_ledger *l, int64_t now)
{
    MIG_AUTO(mig_folder_close) DIR *d = opendir(l->dir);
    const struct dirent *e;

    while (d != NULL && (e = readdir(d)) != NULL) {
        if (is_ours(e->d_name) && is_over(l, e->d_name, now)) {
            (void)unlinkat(dirfd(d), e->d_name, 0);
        }
    }
}

static bool check_room(const struct mig_ledger *l, struct mig_error *err)
{
    MIG_AUTO(mig_folder_close) DIR *d = opendir(l->dir);
    size_t len = 0;

    while (d != NULL && readdir(d) != NULL) {
        len++;
    }
    return len < MIG_LEDGER_MAX ||
           mig_fail(err, MIG_LIMIT,
                    "agreements %s: %d are kept already; the first go when they expire", l->dir,
                    MIG_LEDGER_MAX);
}

bool mig_ledger_open(const char *dir, const struct mig_trust *trust, int64_t now,
                     struct mig_ledger *ret, struct mig_error *err)
{
    if (!mig_file_make_folder(dir, 0700, err)) {
        return mig_wrap(err, "agreements");
    }
    *ret = (struct mig_ledger){.dir = mig_strdup(dir), .trust = trust, .now = now};
    forget(ret, now);
    return true;
}

void mig_ledger_close(struct mig_ledger *l)
{
    mig_free(l->dir);
    *l = (struct mig_ledger){0};
}

/* ---- steps ---- */

static bool find(const struct mig_ledger *l, const struct mig_agreement *a,
                 enum mig_ledger_state *ret)
{
    for (int state = MIG_LEDGER_STATE_COUNT - 1; state >= 0; state--) {
        MIG_AUTO(mig_free) char *path = path_of(l, a, (enum mig_ledger_state)state);

        if (access(path, F_OK) == 0) {
            *ret = (enum mig_ledger_state)state;
            return true;
        }
    }
    return false;
}

bool mig_ledger_find(const struct mig_ledger *l, const struct mig_agreement *a,
                     enum mig_ledger_state *ret, struct mig_error *err)
{
    return find(l, a, ret) ||
           mig_fail(err, MIG_MISSING,
                    "this host's agent has signed no such agreement, or has forgotten it after it "
                    "expired: ask both hosts again");
}

/* One that can be approved now. */
struct candidate {
    struct mig_agreement agreement;
    struct mig_bytes sealed;
    struct timespec kept; /* within a second the clock of agreements stands still */
};

static bool open_signed(const struct mig_ledger *l, const char *name, struct candidate *ret)
{
    MIG_AUTO(mig_free) char *path = mig_strf("%s/%s", l->dir, name);
    struct mig_error unused;
    struct stat st;

    if (!is_ours(name) || strcmp(name + ID_LEN + 1, names[MIG_LEDGER_SIGNED]) != 0 ||
        stat(path, &st) != 0) {
        return false;
    }
    ret->kept = st.st_mtim;
    return mig_file_read(path, MIG_SEALED_MAX, &ret->sealed, &unused) &&
           mig_agreement_open(l->trust, &ret->sealed, l->now, &ret->agreement, &unused);
}

static bool is_newer(const struct candidate *a, const struct candidate *b)
{
    if (a->agreement.issued_at != b->agreement.issued_at) {
        return a->agreement.issued_at > b->agreement.issued_at;
    }
    return a->kept.tv_sec != b->kept.tv_sec ? a->kept.tv_sec > b->kept.tv_sec
                                            : a->kept.tv_nsec > b->kept.tv_nsec;
}

static void swap(struct candidate *a, struct candidate *b)
{
    struct candidate c = *a;

    *a = *b;
    *b = c;
}

static bool pick(const struct mig_ledger *l, const char *vm, const char *host,
                 struct candidate *best, struct mig_error *err)
{
    MIG_AUTO(mig_folder_close) DIR *d = opendir(l->dir);
    const struct dirent *e;

    while (d != NULL && (e = readdir(d)) != NULL) {
        struct candidate c = {.sealed = {0}};
        bool fits = open_signed(l, e->d_name, &c) && strcmp(c.agreement.vm, vm) == 0 &&
                    strcmp(c.agreement.destination.host, host) == 0;
        bool clash = fits && best->sealed.len > 0 &&
                     strcmp(c.agreement.source.host, best->agreement.source.host) != 0;

        if (clash) {
            (void)mig_fail(err, MIG_REFUSED,
                           "agreements on moving '%s' here from %s and from %s: which one comes is "
                           "not known; one of them has to expire",
                           vm, best->agreement.source.host, c.agreement.source.host);
        } else if (fits && (best->sealed.len == 0 || is_newer(&c, best))) {
            swap(&c, best);
        }
        mig_bytes_clear(&c.sealed);
        if (clash) {
            return false;
        }
    }
    return best->sealed.len > 0 ||
           mig_fail(err, MIG_MISSING,
                    "no agreement on moving '%s' here that both hosts signed and that still "
                    "holds: ask for one at the source (mig-hook agree or mig-hook virsh)",
                    vm);
}

bool mig_ledger_pick(const struct mig_ledger *l, const char *vm, const char *host,
                     struct mig_bytes *ret, struct mig_error *err)
{
    struct candidate best = {.sealed = {0}};

    if (!pick(l, vm, host, &best, err)) {
        mig_bytes_clear(&best.sealed);
        return false;
    }
    *ret = best.sealed;
    return true;
}

bool mig_ledger_add(const struct mig_ledger *l, const struct mig_agreement *a,
                    const struct mig_bytes *sealed, struct mig_error *err)
{
    MIG_AUTO(mig_free) char *path = path_of(l, a, MIG_LEDGER_SIGNED);
    enum mig_ledger_state state;

    if (find(l, a, &state)) {
        return mig_fail(err, MIG_STALE, "agreement is known already, and %s", names[state]);
    }
    return check_room(l, err) && mig_file_write(path, sealed->items, sealed->len, 0600, err) &&
           sync_folder(l->dir, err);
}

bool mig_ledger_advance(const struct mig_ledger *l, const struct mig_agreement *a,
                        enum mig_ledger_state to, struct mig_error *err)
{
    MIG_AUTO(mig_free) char *before = NULL, *after = path_of(l, a, to);
    enum mig_ledger_state from;

    if (!mig_ledger_find(l, a, &from, err)) {
        return false;
    }
    if (from == to && to != MIG_LEDGER_APPROVED) {
        return true;
    }
    if (!follows[from][to]) {
        return mig_fail(err, MIG_STALE,
                        "agreement is %s already and can not be %s: ask both "
                        "hosts again",
                        names[from], names[to]);
    }
    before = path_of(l, a, from);
    if (rename(before, after) != 0) {
        return mig_fail_errno(err, MIG_IO, "%s", after);
    }
    return sync_folder(l->dir, err);
}
