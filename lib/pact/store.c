/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation: a contract is the file VM.STATE, VM written so that it
 * can be a file's name.  A writer holds the lock, writes VM.STATE.XXXXXX,
 * syncs it and renames it over the old one, so each file is whole at every
 * moment; what a killed writer leaves is a temporary file, which the next one
 * to open the folder removes when it gets the lock.  A change of two files is
 * ordered so that a contract that is needed is never the one missing: the
 * active one is written first, those that it ends are removed after.  Readers
 * take no lock.
 */
#include "pact/store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/array.h"
#include "base/text.h"
#include "seal/seal.h"
#include "snapshot/codec.h"

/* VM ids as %XX each, state, temporary suffix. */
#define FILE_NAME_MAX (3 * MIG_VM_ID_MAX + 32)
#define TEMPORARY_LEN 7 /* ".XXXXXX" of mig_file_write() */
#define LOCK_FILE "lock"
#define LOCK_TRIES 200
#define LOCK_PAUSE_NS (10 * 1000 * 1000)

static const char *const state_names[] = {
    [MIG_STORE_ACTIVE] = "active",
    [MIG_STORE_INCOMING] = "incoming",
    [MIG_STORE_RETIRED] = "retired",
};

const char *mig_store_state_name(enum mig_store_state state)
{
    return (unsigned)state < MIG_STORE_STATE_COUNT ? state_names[state] : "unknown";
}

/* ---- names of files ---- */

static bool is_plain(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
           c == '_';
}

static void file_name(const char *vm, enum mig_store_state state, char ret[FILE_NAME_MAX])
{
    size_t len = 0;

    for (const char *c = vm; *c != '\0'; c++) {
        len += (size_t)snprintf(ret + len, FILE_NAME_MAX - len, is_plain(*c) ? "%c" : "%%%02x",
                                (unsigned char)*c);
    }
    (void)snprintf(ret + len, FILE_NAME_MAX - len, ".%s", state_names[state]);
}

/* The inverse; a name that file_name() does not write is none of ours. */
static bool parse_name(const char *name, char ret_vm[MIG_VM_ID_MAX], enum mig_store_state *ret)
{
    const char *dot = strchr(name, '.');
    char again[FILE_NAME_MAX];
    size_t len = 0;

    if (dot == NULL) {
        return false;
    }
    for (const char *c = name; c < dot; c++) {
        uint64_t byte = (unsigned char)*c;

        if (*c == '%' && (dot - c < 3 || !mig_text_digits(c + 1, 2, 16, 0x7e, &byte))) {
            return false;
        }
        c += *c == '%' ? 2 : 0;
        if (len + 1 == MIG_VM_ID_MAX) {
            return false;
        }
        ret_vm[len++] = (char)byte;
    }
    ret_vm[len] = '\0';
    for (int state = 0; state < MIG_STORE_STATE_COUNT; state++) {
        file_name(ret_vm, (enum mig_store_state)state, again);
        if (strcmp(again, name) == 0) {
            *ret = (enum mig_store_state)state;
            return mig_contract_id_is_valid(ret_vm);
        }
    }
    return false;
}

static bool is_temporary(const char *name)
{
    char whole[FILE_NAME_MAX], vm[MIG_VM_ID_MAX];
    enum mig_store_state state;
    size_t len = strlen(name);

    if (len <= TEMPORARY_LEN || len >= sizeof whole || name[len - TEMPORARY_LEN] != '.') {
        return false;
    }
    (void)snprintf(whole, sizeof whole, "%.*s", (int)(len - TEMPORARY_LEN), name);
    return parse_name(whole, vm, &state);
}

static char *path_of(const struct mig_store *s, const char *vm, enum mig_store_state state)
{
    char name[FILE_NAME_MAX];

    file_name(vm, state, name);
    return mig_strf("%s/%s", s->dir, name);
}

static bool check_vm(const char *vm, struct mig_error *err)
{
    return mig_contract_id_is_valid(vm) ||
           mig_fail(err, MIG_USAGE,
                    "vm: expected 1 to %d printable characters without space and slash",
                    MIG_VM_ID_MAX - 1);
}

/* ---- the folder ---- */

/* Writers come one at a time and stay for milliseconds. */
static bool lock(const struct mig_store *s, int *ret, struct mig_error *err)
{
    MIG_AUTO(mig_free) char *path = mig_strf("%s/" LOCK_FILE, s->dir);
    const struct timespec pause = {.tv_nsec = LOCK_PAUSE_NS};
    int fd;

    if (!mig_file_make_folder(s->dir, 0700, err)) {
        return mig_wrap(err, "contracts");
    }
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        return mig_fail_errno(err, MIG_IO, "contracts %s", path);
    }
    for (int i = 0; i < LOCK_TRIES; i++) {
        if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
            *ret = fd;
            return true;
        }
        if (errno != EWOULDBLOCK && errno != EINTR) {
            break;
        }
        (void)nanosleep(&pause, NULL);
    }
    (void)mig_fail_errno(err, MIG_IO, "contracts %s%s", path,
                         errno == EWOULDBLOCK ? ": another writer does not end" : "");
    mig_fd_close(fd);
    return false;
}

static void remove_temporaries(const char *dir)
{
    MIG_AUTO(mig_folder_close) DIR *d = opendir(dir);
    const struct dirent *e;

    while (d != NULL && (e = readdir(d)) != NULL) {
        if (is_temporary(e->d_name)) {
            (void)unlinkat(dirfd(d), e->d_name, 0);
        }
    }
}

/* Without a lock file nobody ever wrote; while it is held somebody does. */
static void tidy(const char *dir)
{
    MIG_AUTO(mig_free) char *path = mig_strf("%s/" LOCK_FILE, dir);
    MIG_AUTO(mig_fd_close) int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);

    if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0) {
        remove_temporaries(dir);
    }
}

bool mig_store_open(const char *dir, const struct mig_trust *trust, struct mig_store *ret,
                    struct mig_error *err)
{
    MIG_AUTO(mig_fd_close) int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (dir[0] == '\0') {
        return mig_fail(err, MIG_USAGE, "contracts: expected a folder");
    }
    if (fd < 0 && errno != ENOENT) {
        return mig_fail_errno(err, MIG_IO, "contracts %s", dir);
    }
    tidy(dir);
    *ret = (struct mig_store){.dir = mig_strdup(dir), .trust = trust};
    return true;
}

static bool sync_folder(const struct mig_store *s, struct mig_error *err)
{
    MIG_AUTO(mig_fd_close) int fd = open(s->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    return (fd >= 0 && fsync(fd) == 0) || mig_fail_errno(err, MIG_IO, "contracts %s", s->dir);
}

/* ---- reading ---- */

static bool read_file(const char *path, struct mig_bytes *ret, struct mig_error *err)
{
    /* Not to wait for what is no file. */
    MIG_AUTO(mig_fd_close) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    struct stat st;

    if (fd < 0 && errno == ENOENT) {
        return mig_fail_errno(err, MIG_MISSING, "%s", path);
    }
    if (fd < 0 || fstat(fd, &st) != 0) {
        return mig_fail_errno(err, MIG_IO, "%s", path);
    }
    if (!S_ISREG(st.st_mode)) {
        return mig_fail(err, MIG_FORMAT, "%s: expected a regular file", path);
    }
    return mig_fd_read(fd, path, MIG_SEALED_MAX, ret, err);
}

/* Who signed what, and is it a contract at all? */
static bool open_sealed(const struct mig_store *s, const unsigned char *sealed, size_t len,
                        struct mig_stored *ret, struct mig_error *err)
{
    MIG_AUTO(mig_payload_free) struct mig_payload *payload = NULL;

    if (!mig_seal_open(s->trust, MIG_PAYLOAD_CONTRACT, sealed, len, &payload, err) ||
        !mig_contract_decode(payload, &ret->contract, err)) {
        return false;
    }
    memcpy(ret->digest, payload->digest, sizeof ret->digest);
    return true;
}

static bool read_stored(const struct mig_store *s, const char *vm, enum mig_store_state state,
                        struct mig_stored *ret, struct mig_error *err)
{
    MIG_AUTO(mig_free) char *path = path_of(s, vm, state);
    MIG_AUTO(mig_stored_clear) struct mig_stored found = {.state = state};

    if (!read_file(path, &found.sealed, err)) {
        return false;
    }
    if (!open_sealed(s, found.sealed.items, found.sealed.len, &found, err)) {
        return mig_wrap(err, "%s", path);
    }
    if (strcmp(found.contract->vm, vm) != 0) {
        return mig_fail(err, MIG_FORMAT, "%s: is the contract of '%s'", path, found.contract->vm);
    }
    *ret = found;
    found = (struct mig_stored){0};
    return true;
}

static bool is_of(const struct mig_stored *stored, const char *instance)
{
    return instance == NULL || instance[0] == '\0' ||
           strcmp(stored->contract->instance, instance) == 0;
}

static bool fail_missing(const char *vm, struct mig_error *err)
{
    return mig_fail(err, MIG_MISSING, "no contract of '%s' is stored", vm);
}

static bool fail_instance(const struct mig_stored *stored, const char *instance,
                          struct mig_error *err)
{
    return mig_fail(err, MIG_STALE,
                    "contract of another instance: what is stored of '%s' is of instance '%s', "
                    "asked for is '%s'",
                    stored->contract->vm, stored->contract->instance, instance);
}

bool mig_store_get(const struct mig_store *s, enum mig_store_state state, const char *vm,
                   const char *instance, struct mig_stored *ret, struct mig_error *err)
{
    MIG_AUTO(mig_stored_clear) struct mig_stored found = {0};

    if (!check_vm(vm, err)) {
        return false;
    }
    if (!read_stored(s, vm, state, &found, err)) {
        return err->code == MIG_MISSING ? fail_missing(vm, err) : false;
    }
    if (!is_of(&found, instance)) {
        return fail_instance(&found, instance, err);
    }
    *ret = found;
    found = (struct mig_stored){0};
    return true;
}

bool mig_store_find(const struct mig_store *s, const char *vm, const char *instance,
                    struct mig_stored *ret, struct mig_error *err)
{
    if (!check_vm(vm, err)) {
        return false;
    }
    (void)fail_missing(vm, err);
    /* The active one again at last: another may have been on its way there. */
    for (int i = 0; i <= MIG_STORE_STATE_COUNT; i++) {
        enum mig_store_state state = (enum mig_store_state)(i % MIG_STORE_STATE_COUNT);
        MIG_AUTO(mig_stored_clear) struct mig_stored found = {0};
        struct mig_error why;

        if (!read_stored(s, vm, state, &found, &why)) {
            if (why.code != MIG_MISSING) {
                *err = why;
                return false;
            }
        } else if (is_of(&found, instance)) {
            *ret = found;
            found = (struct mig_stored){0};
            return true;
        } else if (err->code == MIG_MISSING) {
            (void)fail_instance(&found, instance, err);
        }
    }
    return false;
}

static void describe(const struct mig_store *s, const char *name, struct mig_store_entry *ret)
{
    MIG_AUTO(mig_stored_clear) struct mig_stored found = {0};
    const struct mig_contract *c;

    (void)parse_name(name, ret->vm, &ret->state);
    if (!read_stored(s, ret->vm, ret->state, &found, &ret->error)) {
        return;
    }
    c = found.contract;
    ret->error = (struct mig_error){0};
    memcpy(ret->instance, c->instance, sizeof ret->instance);
    memcpy(ret->recorder, c->recorder, sizeof ret->recorder);
    (void)snprintf(ret->holder, sizeof ret->holder, "%s", mig_contract_holder(c));
    ret->recorded_at = c->recorded_at;
    ret->hops = c->hops_len;
    memcpy(ret->digest, found.digest, sizeof ret->digest);
}

static int compare_entries(const void *a, const void *b)
{
    const struct mig_store_entry *x = a, *y = b;
    int order = strcmp(x->vm, y->vm);

    return order != 0 ? order : (int)x->state - (int)y->state;
}

/* One that was removed since the folder was read is not in the list. */
static void add_entry(const struct mig_store *s, const char *name, struct mig_store_list *list)
{
    struct mig_store_entry entry = {0};

    describe(s, name, &entry);
    if (entry.error.code != MIG_MISSING) {
        *MIG_PUSH(list) = entry;
    }
}

bool mig_store_list(const struct mig_store *s, struct mig_store_list *ret, struct mig_error *err)
{
    MIG_AUTO(mig_folder_close) DIR *d = opendir(s->dir);
    const struct dirent *e;
    char vm[MIG_VM_ID_MAX];
    enum mig_store_state state;

    *ret = (struct mig_store_list){0};
    if (d == NULL) {
        return errno == ENOENT || mig_fail_errno(err, MIG_IO, "contracts %s", s->dir);
    }
    while ((e = readdir(d)) != NULL) {
        if (!parse_name(e->d_name, vm, &state)) {
            continue;
        }
        if (ret->len == (size_t)MIG_STORE_MAX * MIG_STORE_STATE_COUNT) {
            return mig_fail(err, MIG_LIMIT, "contracts %s: more than %zu files", s->dir, ret->len);
        }
        add_entry(s, e->d_name, ret);
    }
    if (ret->len > 0) {
        qsort(ret->items, ret->len, sizeof *ret->items, compare_entries);
    }
    return true;
}

/* ---- writing ---- */

/* A file of @state more must not be one too many. */
static bool check_room(const struct mig_store *s, enum mig_store_state wanted,
                       struct mig_error *err)
{
    MIG_AUTO(mig_folder_close) DIR *d = opendir(s->dir);
    const struct dirent *e;
    char vm[MIG_VM_ID_MAX];
    enum mig_store_state state;
    size_t count = 0;

    if (d == NULL) {
        return mig_fail_errno(err, MIG_IO, "contracts %s", s->dir);
    }
    while ((e = readdir(d)) != NULL) {
        count += parse_name(e->d_name, vm, &state) && state == wanted;
    }
    return count < MIG_STORE_MAX ||
           mig_fail(err, MIG_LIMIT, "contracts %s: %d are %s already, forget those of no use",
                    s->dir, MIG_STORE_MAX, state_names[wanted]);
}

static bool write_sealed(const struct mig_store *s, enum mig_store_state state, const char *vm,
                         const unsigned char *sealed, size_t len, struct mig_error *err)
{
    MIG_AUTO(mig_free) char *path = path_of(s, vm, state);

    if (access(path, F_OK) != 0 && !check_room(s, state, err)) {
        return false;
    }
    return mig_file_write(path, sealed, len, 0600, err) && sync_folder(s, err);
}

static bool remove_stored(const struct mig_store *s, enum mig_store_state state, const char *vm,
                          struct mig_error *err)
{
    MIG_AUTO(mig_free) char *path = path_of(s, vm, state);

    return unlink(path) == 0 || errno == ENOENT || mig_fail_errno(err, MIG_IO, "%s", path);
}

static bool is_same_shown(const struct mig_contract *a, const struct mig_contract *b)
{
    const struct mig_stamp stamp = {.table_version = 1};
    MIG_AUTO(mig_bytes_clear) struct mig_bytes x = {0};
    MIG_AUTO(mig_bytes_clear) struct mig_bytes y = {0};

    mig_snapshot_encode(a->shown, &stamp, &x);
    mig_snapshot_encode(b->shown, &stamp, &y);
    return x.len == y.len && memcmp(x.items, y.items, x.len) == 0;
}

/* What an instance was shown does not change; with @ret_keep there is nothing
 * to write. */
static bool check_old(const struct mig_store *s, const struct mig_contract *c, bool *ret_keep,
                      struct mig_error *err)
{
    MIG_AUTO(mig_stored_clear) struct mig_stored old = {0};

    *ret_keep = false;
    if (!read_stored(s, c->vm, MIG_STORE_ACTIVE, &old, err)) {
        return err->code == MIG_MISSING ||
               mig_wrap(err, "what is stored of '%s' can not be read, forget it first", c->vm);
    }
    if (!is_of(&old, c->instance)) {
        return true; /* a power cycle voids it */
    }
    if (!is_same_shown(old.contract, c)) {
        return mig_fail(err, MIG_REFUSED,
                        "contract of instance '%s' of '%s' is stored and says otherwise: it holds "
                        "until the next power cycle; forget it first if it was wrong",
                        c->instance, c->vm);
    }
    *ret_keep = c->hops_len <= old.contract->hops_len;
    return true;
}

static bool put_active(const struct mig_store *s, const struct mig_contract *c,
                       const unsigned char *sealed, size_t len, struct mig_error *err)
{
    bool keep;

    if (!check_old(s, c, &keep, err)) {
        return false;
    }
    return (keep || write_sealed(s, MIG_STORE_ACTIVE, c->vm, sealed, len, err)) &&
           remove_stored(s, MIG_STORE_INCOMING, c->vm, err) &&
           remove_stored(s, MIG_STORE_RETIRED, c->vm, err);
}

bool mig_store_put(const struct mig_store *s, enum mig_store_state state,
                   const unsigned char *sealed, size_t len, struct mig_error *err)
{
    MIG_AUTO(mig_stored_clear) struct mig_stored fresh = {0};
    MIG_AUTO(mig_fd_close) int held = -1;

    if (!open_sealed(s, sealed, len, &fresh, err) || !lock(s, &held, err)) {
        return false;
    }
    return state == MIG_STORE_ACTIVE ? put_active(s, fresh.contract, sealed, len, err)
                                     : write_sealed(s, state, fresh.contract->vm, sealed, len, err);
}

static bool check_continues(const struct mig_contract *before, const struct mig_contract *after,
                            struct mig_error *err)
{
    return (strcmp(before->vm, after->vm) == 0 && strcmp(before->instance, after->instance) == 0 &&
            after->hops_len >= before->hops_len && is_same_shown(before, after)) ||
           mig_fail(err, MIG_REFUSED, "is another contract than the incoming one of '%s'",
                    before->vm);
}

bool mig_store_activate(const struct mig_store *s, const char *vm, const char *instance,
                        const struct mig_bytes *sealed, struct mig_error *err)
{
    MIG_AUTO(mig_stored_clear) struct mig_stored incoming = {0};
    MIG_AUTO(mig_stored_clear) struct mig_stored active = {0};
    MIG_AUTO(mig_stored_clear) struct mig_stored fresh = {0};
    MIG_AUTO(mig_fd_close) int held = -1;
    struct mig_error why;

    if (!lock(s, &held, err)) {
        return false;
    }
    if (!mig_store_get(s, MIG_STORE_INCOMING, vm, instance, &incoming, err)) {
        return err->code == MIG_MISSING &&
               mig_store_get(s, MIG_STORE_ACTIVE, vm, instance, &active, &why);
    }
    return open_sealed(s, sealed->items, sealed->len, &fresh, err) &&
           check_continues(incoming.contract, fresh.contract, err) &&
           put_active(s, fresh.contract, sealed->items, sealed->len, err);
}

static bool rename_stored(const struct mig_store *s, const char *vm, enum mig_store_state from,
                          enum mig_store_state to, struct mig_error *err)
{
    MIG_AUTO(mig_free) char *old = path_of(s, vm, from);
    MIG_AUTO(mig_free) char *fresh = path_of(s, vm, to);

    return (rename(old, fresh) == 0 || mig_fail_errno(err, MIG_IO, "%s", fresh)) &&
           sync_folder(s, err);
}

/* A guest that has left is history, of which the latest part is kept: the oldest
 * makes room for one more. */
static void make_room_among_retired(const struct mig_store *s)
{
    MIG_AUTO(mig_folder_close) DIR *d = opendir(s->dir);
    const struct dirent *e;
    char oldest[NAME_MAX + 1] = "", vm[MIG_VM_ID_MAX];
    enum mig_store_state state;
    struct stat st, before = {0};
    size_t count = 0;

    while (d != NULL && (e = readdir(d)) != NULL) {
        if (!parse_name(e->d_name, vm, &state) || state != MIG_STORE_RETIRED ||
            fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0) {
            continue;
        }
        if (count++ == 0 || st.st_mtime < before.st_mtime) {
            before = st;
            (void)snprintf(oldest, sizeof oldest, "%s", e->d_name);
        }
    }
    if (count >= MIG_STORE_MAX) {
        (void)unlinkat(dirfd(d), oldest, 0);
    }
}

bool mig_store_retire(const struct mig_store *s, const char *vm, const char *instance,
                      struct mig_error *err)
{
    MIG_AUTO(mig_stored_clear) struct mig_stored active = {0};
    MIG_AUTO(mig_stored_clear) struct mig_stored retired = {0};
    MIG_AUTO(mig_fd_close) int held = -1;
    struct mig_error why;

    if (!lock(s, &held, err)) {
        return false;
    }
    if (!mig_store_get(s, MIG_STORE_ACTIVE, vm, instance, &active, err)) {
        return err->code == MIG_MISSING &&
               mig_store_get(s, MIG_STORE_RETIRED, vm, instance, &retired, &why);
    }
    make_room_among_retired(s);
    return rename_stored(s, vm, MIG_STORE_ACTIVE, MIG_STORE_RETIRED, err);
}

/* Of one state: not there is done, as is what nobody can read. */
static bool forget_one(const struct mig_store *s, enum mig_store_state state, const char *vm,
                       const char *instance, bool *ret_found, struct mig_error *err)
{
    MIG_AUTO(mig_stored_clear) struct mig_stored found = {0};

    if (!read_stored(s, vm, state, &found, err) && err->code == MIG_MISSING) {
        return true;
    }
    if (found.contract != NULL && !is_of(&found, instance)) {
        return fail_instance(&found, instance, err);
    }
    *ret_found = true;
    return remove_stored(s, state, vm, err);
}

bool mig_store_turn_away(const struct mig_store *s, const char *vm, const char *instance,
                         struct mig_error *err)
{
    MIG_AUTO(mig_fd_close) int held = -1;
    bool found = false;

    if (!check_vm(vm, err) || !lock(s, &held, err) ||
        !forget_one(s, MIG_STORE_INCOMING, vm, instance, &found, err)) {
        return false;
    }
    return !found || sync_folder(s, err);
}

bool mig_store_forget(const struct mig_store *s, const char *vm, const char *instance,
                      struct mig_error *err)
{
    MIG_AUTO(mig_fd_close) int held = -1;
    bool found = false;

    if (!check_vm(vm, err) || !lock(s, &held, err)) {
        return false;
    }
    for (int state = 0; state < MIG_STORE_STATE_COUNT; state++) {
        if (!forget_one(s, (enum mig_store_state)state, vm, instance, &found, err)) {
            return false;
        }
    }
    return found ? sync_folder(s, err) : fail_missing(vm, err);
}

/* ---- life ---- */

void mig_stored_clear(struct mig_stored *s)
{
    mig_contract_free(s->contract);
    mig_bytes_clear(&s->sealed);
    *s = (struct mig_stored){0};
}

void mig_store_list_clear(struct mig_store_list *l)
{
    mig_free(l->items);
    *l = (struct mig_store_list){0};
}

void mig_store_close(struct mig_store *s)
{
    mig_free(s->dir);
    *s = (struct mig_store){0};
}
