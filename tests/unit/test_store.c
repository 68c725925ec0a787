/* SPDX-License-Identifier: Apache-2.0 */
#include "pact/store.h"

#include "support/check.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/now.h"
#include "seal/key.h"
#include "seal/seal.h"
#include "support/fleet.h"
#include "support/guest.h"

/* A host with a store of its own. */
struct site {
    struct fleet *fleet;
    struct mig_key *alpha, *beta;
    struct mig_trust *trust;
    char *dir;
    struct mig_store store;
};

static struct site site_new(void)
{
    struct site site = {.fleet = fleet_new()};
    struct mig_error err;

    fleet_issue(site.fleet, MIG_ROLE_AGENT, "alpha", FLEET_FROM, FLEET_TO);
    fleet_issue(site.fleet, MIG_ROLE_AGENT, "beta", FLEET_FROM, FLEET_TO);
    site.alpha = fleet_key(site.fleet, "alpha");
    site.beta = fleet_key(site.fleet, "beta");
    site.trust = fleet_trust(site.fleet, true);
    site.dir = fleet_path(site.fleet, "lib/contracts");
    check_done("open", mig_store_open(site.dir, site.trust, &site.store, &err), &err);
    return site;
}

static void site_free(struct site *site)
{
    mig_store_close(&site->store);
    mig_key_free(site->alpha);
    mig_key_free(site->beta);
    mig_trust_free(site->trust);
    mig_free(site->dir);
    fleet_free(site->fleet);
}

static struct mig_contract *guest(const char *vm, const char *instance, const char *edits)
{
    struct mig_contract *c = guest_small(edits);

    (void)snprintf(c->vm, sizeof c->vm, "%s", vm);
    (void)snprintf(c->instance, sizeof c->instance, "%s", instance);
    return c;
}

static struct mig_bytes sealed_by(const struct mig_key *key, const struct mig_contract *c)
{
    MIG_AUTO(mig_bytes_clear) struct mig_bytes bytes = {0};
    struct mig_bytes sealed = {0};
    struct mig_error err;

    mig_contract_encode(c, &bytes);
    check_done("seal", mig_seal(key, MIG_PAYLOAD_CONTRACT, bytes.items, bytes.len, &sealed, &err),
               &err);
    return sealed;
}

static bool try_put(const struct site *site, enum mig_store_state state, const char *vm,
                    const char *instance, const char *edits, struct mig_error *err)
{
    MIG_AUTO(mig_contract_free) struct mig_contract *c = guest(vm, instance, edits);
    MIG_AUTO(mig_bytes_clear) struct mig_bytes sealed = sealed_by(site->alpha, c);

    return mig_store_put(&site->store, state, sealed.items, sealed.len, err);
}

static void put(const struct site *site, enum mig_store_state state, const char *vm,
                const char *instance)
{
    struct mig_error err;

    check_done(vm, try_put(site, state, vm, instance, "avx2", &err), &err);
}

/* "web3/7f3a active, db/1 retired", or what is wrong with a file. */
static void check_list(const char *label, const struct site *site, const char *expected)
{
    MIG_AUTO(mig_store_list_clear) struct mig_store_list list = {0};
    char got[1024] = "";
    struct mig_error err;

    check_done(label, mig_store_list(&site->store, &list, &err), &err);
    for (size_t i = 0; i < list.len; i++) {
        const struct mig_store_entry *e = &list.items[i];
        size_t len = strlen(got);

        (void)snprintf(got + len, sizeof got - len, "%s%s/%s %s%s", i == 0 ? "" : ", ", e->vm,
                       e->instance, mig_store_state_name(e->state),
                       e->error.code != MIG_OK ? "!" : "");
    }
    check_text(label, expected, got);
}

static unsigned count_files(const struct site *site)
{
    DIR *d = opendir(site->dir);
    unsigned count = 0;

    while (d != NULL && readdir(d) != NULL) {
        count++;
    }
    if (d != NULL) {
        (void)closedir(d);
    }
    return count < 2 ? 0 : count - 2;
}

static char *file_of(const struct site *site, const char *name)
{
    return mig_strf("%s/%s", site->dir, name);
}

static void check_refused(const char *label, bool done, enum mig_code code, const char *says,
                          const struct mig_error *err)
{
    check_true(label, !done);
    check_contains(label, says, err->msg);
    check_number(label, code, err->code);
}

CHECK_TEST(a_folder_that_is_not_there_is_empty_until_something_is_put)
{
    MIG_AUTO(mig_stored_clear) struct mig_stored found = {0};
    struct site site = site_new();
    struct mig_error err;
    struct stat st;

    check_list("nothing", &site, "");
    check_refused("get", mig_store_find(&site.store, "web3", NULL, &found, &err), MIG_MISSING,
                  "no contract of 'web3' is stored", &err);
    check_true("reading makes no folder", stat(site.dir, &st) != 0);
    put(&site, MIG_STORE_ACTIVE, "web3", "7f3a");
    check_true("made", stat(site.dir, &st) == 0 && (st.st_mode & 07777) == 0700);
    check_list("one", &site, "web3/7f3a active");
    check_done("get", mig_store_get(&site.store, MIG_STORE_ACTIVE, "web3", "7f3a", &found, &err),
               &err);
    check_text("get", "7f3a", found.contract->instance);
    check_true("sealed", mig_seal_is_envelope(found.sealed.items, found.sealed.len));
    site_free(&site);
}

CHECK_TEST(an_id_of_any_shape_has_a_file_of_its_own)
{
    static const char *const ids[] = {
        ".",
        "..",
        "%41",
        "A",
        "a",
        "web3.active",
        ".active",
        "lock",
        "*?[]\"'",
        "0",
        "-",
        "a.b.c.d.e",
        "...............................................................",
        "~!@#$%^&*()_+{}|:\"<>?\\",
    };
    struct site site = site_new();

    CHECK_EACH (id, ids) {
        put(&site, MIG_STORE_ACTIVE, *id, "1");
    }
    CHECK_EACH (id, ids) {
        MIG_AUTO(mig_stored_clear) struct mig_stored found = {0};
        struct mig_error err;

        check_done(*id, mig_store_get(&site.store, MIG_STORE_ACTIVE, *id, "1", &found, &err), &err);
        check_text(*id, *id, found.contract->vm);
    }
    check_number("a file each, and the lock", sizeof ids / sizeof *ids + 1, count_files(&site));
    site_free(&site);
}

CHECK_TEST(a_new_instance_ends_the_old_one)
{
    MIG_AUTO(mig_stored_clear) struct mig_stored found = {0};
    struct site site = site_new();
    struct mig_error err;

    put(&site, MIG_STORE_ACTIVE, "web3", "1");
    put(&site, MIG_STORE_INCOMING, "web3", "1");
    put(&site, MIG_STORE_RETIRED, "web3", "0");
    check_list("before", &site, "web3/1 active, web3/1 incoming, web3/0 retired");
    put(&site, MIG_STORE_ACTIVE, "web3", "2");
    check_list("after", &site, "web3/2 active");
    check_refused("the old one", mig_store_find(&site.store, "web3", "1", &found, &err), MIG_STALE,
                  "contract of another instance: what is stored of 'web3' is of instance '2', "
                  "asked for is '1'",
                  &err);
    check_refused("forget", mig_store_forget(&site.store, "web3", "1", &err), MIG_STALE,
                  "another instance", &err);
    check_refused("retire", mig_store_retire(&site.store, "web3", "1", &err), MIG_STALE,
                  "another instance", &err);
    check_list("still", &site, "web3/2 active");
    site_free(&site);
}

CHECK_TEST(what_an_instance_was_shown_does_not_change)
{
    MIG_AUTO(mig_contract_free) struct mig_contract *moved = guest("web3", "1", "avx2");
    MIG_AUTO(mig_stored_clear) struct mig_stored found = {0};
    MIG_AUTO(mig_bytes_clear) struct mig_bytes sealed = {0};
    struct site site = site_new();
    struct mig_error err;

    guest_hops(moved, "beta", 100);
    sealed = sealed_by(site.beta, moved);
    check_done("put", mig_store_put(&site.store, MIG_STORE_ACTIVE, sealed.items, sealed.len, &err),
               &err);
    check_done("again, as it was recorded",
               try_put(&site, MIG_STORE_ACTIVE, "web3", "1", "avx2", &err), &err);
    check_done("get", mig_store_find(&site.store, "web3", "1", &found, &err), &err);
    check_number("the way it came stays", 1, found.contract->hops_len);
    check_refused("otherwise", try_put(&site, MIG_STORE_ACTIVE, "web3", "1", "", &err), MIG_REFUSED,
                  "is stored and says otherwise", &err);
    check_done("after a power cycle", try_put(&site, MIG_STORE_ACTIVE, "web3", "2", "", &err),
               &err);
    site_free(&site);
}

CHECK_TEST(a_guest_comes_and_goes)
{
    MIG_AUTO(mig_contract_free) struct mig_contract *moved = guest("web3", "1", "avx2");
    MIG_AUTO(mig_contract_free) struct mig_contract *other = guest("web3", "1", "");
    MIG_AUTO(mig_bytes_clear) struct mig_bytes sealed = {0};
    MIG_AUTO(mig_bytes_clear) struct mig_bytes wrong = {0};
    MIG_AUTO(mig_stored_clear) struct mig_stored found = {0};
    struct site site = site_new();
    struct mig_error err;

    guest_hops(moved, "beta", 100);
    guest_hops(other, "beta", 100);
    sealed = sealed_by(site.beta, moved);
    wrong = sealed_by(site.beta, other);
    check_refused("none came", mig_store_activate(&site.store, "web3", "1", &sealed, &err),
                  MIG_MISSING, "no contract of 'web3'", &err);
    put(&site, MIG_STORE_INCOMING, "web3", "1");
    check_list("incoming", &site, "web3/1 incoming");
    check_refused("another instance", mig_store_activate(&site.store, "web3", "2", &sealed, &err),
                  MIG_STALE, "another instance", &err);
    check_refused("another contract", mig_store_activate(&site.store, "web3", "1", &wrong, &err),
                  MIG_REFUSED, "is another contract than the incoming one", &err);
    for (int i = 0; i < 2; i++) {
        check_done("activate", mig_store_activate(&site.store, "web3", "1", &sealed, &err), &err);
        check_list("active", &site, "web3/1 active");
    }
    check_done("get", mig_store_find(&site.store, "web3", "1", &found, &err), &err);
    check_text("signed by the host it came to", "beta", mig_contract_holder(found.contract));
    for (int i = 0; i < 2; i++) {
        check_done("retire", mig_store_retire(&site.store, "web3", "1", &err), &err);
        check_list("retired", &site, "web3/1 retired");
    }
    put(&site, MIG_STORE_INCOMING, "web3", "1");
    check_list("on its way back", &site, "web3/1 incoming, web3/1 retired");
    check_done("forget", mig_store_forget(&site.store, "web3", NULL, &err), &err);
    check_list("nothing", &site, "");
    check_refused("forget again", mig_store_forget(&site.store, "web3", NULL, &err), MIG_MISSING,
                  "no contract of 'web3'", &err);
    site_free(&site);
}

/* Bytes that take the place of a stored file. */
static void overwrite(const struct site *site, const char *name, const void *bytes, size_t len)
{
    MIG_AUTO(mig_free) char *path = file_of(site, name);
    struct mig_error err;

    check_done(name, mig_file_write(path, bytes, len, 0600, &err), &err);
}

CHECK_TEST(a_damaged_file_is_named_and_the_others_are_listed)
{
    MIG_AUTO(mig_contract_free) struct mig_contract *c = guest("web3", "1", "avx2");
    MIG_AUTO(mig_bytes_clear) struct mig_bytes payload = {0};
    MIG_AUTO(mig_bytes_clear) struct mig_bytes snapshot = {0};
    MIG_AUTO(mig_bytes_clear) struct mig_bytes later = {0};
    MIG_AUTO(mig_bytes_clear) struct mig_bytes stolen = {0};
    MIG_AUTO(mig_bytes_clear) struct mig_bytes good = {0};
    struct site site = site_new();
    struct mig_error err;

    good = sealed_by(site.alpha, c);
    stolen = sealed_by(site.beta, c);
    mig_contract_encode(c, &payload);
    check_done(
        "snapshot",
        mig_seal(site.alpha, MIG_PAYLOAD_SNAPSHOT, payload.items, payload.len, &snapshot, &err),
        &err);
    /* A field that this version does not know. */
    payload.items = mig_resize(payload.items, payload.len + 3, 1);
    memcpy(payload.items + payload.len, "\x78\x01", 2);
    check_done(
        "later",
        mig_seal(site.alpha, MIG_PAYLOAD_CONTRACT, payload.items, payload.len + 2, &later, &err),
        &err);

    const struct {
        const char *label;
        const unsigned char *bytes;
        size_t len;
        const char *says;
    } cases[] = {
        {"empty",           (const unsigned char *)"", 0,            "web3.active"        },
        {"truncated",       good.items,                good.len / 2, "web3.active"        },
        {"one byte less",   good.items,                good.len - 1, "web3.active"        },
        {"wrong kind",      snapshot.items,            snapshot.len, "snapshot"           },
        {"unknown version", later.items,               later.len,    "not in canonical"   },
        {"wrong signer",    stolen.items,              stolen.len,   "is signed by 'beta'"},
    };

    put(&site, MIG_STORE_ACTIVE, "db", "1");
    put(&site, MIG_STORE_ACTIVE, "zoo", "1");
    CHECK_EACH (k, cases) {
        MIG_AUTO(mig_store_list_clear) struct mig_store_list list = {0};
        MIG_AUTO(mig_stored_clear) struct mig_stored found = {0};

        overwrite(&site, "web3.active", k->bytes, k->len);
        check_list(k->label, &site, "db/1 active, web3/ active!, zoo/1 active");
        check_done(k->label, mig_store_list(&site.store, &list, &err), &err);
        check_contains(k->label, k->says, list.items[1].error.msg);
        check_true(k->label, !mig_store_find(&site.store, "web3", NULL, &found, &err));
        check_done(k->label, try_put(&site, MIG_STORE_RETIRED, "web3", "1", "avx2", &err), &err);
        check_true("not the older", !mig_store_find(&site.store, "web3", NULL, &found, &err));
        check_contains(k->label, k->says, err.msg);
        check_true(k->label, !try_put(&site, MIG_STORE_ACTIVE, "web3", "1", "avx2", &err));
        check_contains(k->label, "can not be read, forget it first", err.msg);
        check_done(k->label, mig_store_forget(&site.store, "web3", "1", &err), &err);
    }
    overwrite(&site, "web3.active", good.items, good.len);
    check_list("mended", &site, "db/1 active, web3/1 active, zoo/1 active");
    overwrite(&site, "other.active", good.items, good.len);
    check_list("of another VM", &site, "db/1 active, other/ active!, web3/1 active, zoo/1 active");
    check_done("forget", mig_store_forget(&site.store, "other", NULL, &err), &err);
    overwrite(&site, "notes.txt", "x", 1);
    overwrite(&site, "%77eb3.active", good.items, good.len);
    check_list("files that are none of ours", &site, "db/1 active, web3/1 active, zoo/1 active");
    site_free(&site);
}

CHECK_TEST(what_is_no_contract_of_ours_is_not_put)
{
    MIG_AUTO(mig_contract_free) struct mig_contract *c = guest("web3", "1", "avx2");
    MIG_AUTO(mig_bytes_clear) struct mig_bytes bytes = {0};
    MIG_AUTO(mig_bytes_clear) struct mig_bytes snapshot = {0};
    MIG_AUTO(mig_bytes_clear) struct mig_bytes stolen = {0};
    struct site site = site_new();
    struct mig_error err;

    mig_contract_encode(c, &bytes);
    stolen = sealed_by(site.beta, c);
    check_done("seal",
               mig_seal(site.alpha, MIG_PAYLOAD_SNAPSHOT, bytes.items, bytes.len, &snapshot, &err),
               &err);
    const struct {
        const char *label;
        const struct mig_bytes *bytes;
    } cases[] = {
        {"unsigned",   &bytes   },
        {"a snapshot", &snapshot},
        {"by another", &stolen  },
    };

    CHECK_EACH (k, cases) {
        check_true(k->label, !mig_store_put(&site.store, MIG_STORE_ACTIVE, k->bytes->items,
                                            k->bytes->len, &err));
        check_list(k->label, &site, "");
    }
    site_free(&site);
}

/* Run @fn as nobody, who may read this fleet; gives its answer. */
static int as_nobody(const struct site *site, int (*fn)(const struct site *))
{
    int status = 0;
    pid_t pid;

    (void)fflush(stdout);
    pid = fork();
    if (pid == 0) {
        if (getuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0)) {
            _exit(99);
        }
        _exit(fn(site));
    }
    check_true("wait", pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status));
    return WEXITSTATUS(status);
}

static int put_where_nothing_may_be_written(const struct site *site)
{
    struct mig_error err;

    if (try_put(site, MIG_STORE_ACTIVE, "web3", "2", "avx2", &err) || err.code != MIG_IO ||
        strstr(err.msg, "Permission denied") == NULL || strstr(err.msg, site->dir) == NULL) {
        return 1;
    }
    return mig_store_forget(&site->store, "web3", NULL, &err) ? 2 : 0;
}

CHECK_TEST(a_folder_that_can_not_be_written_is_an_error_and_loses_nothing)
{
    struct site site = site_new();

    put(&site, MIG_STORE_ACTIVE, "web3", "1");
    check_true("mode", chmod(site.fleet->dir, 0755) == 0 && chmod(site.dir, 0555) == 0);
    check_number("as nobody", 0, (uint64_t)as_nobody(&site, put_where_nothing_may_be_written));
    check_true("mode", chmod(site.dir, 0700) == 0);
    check_list("still there", &site, "web3/1 active");
    site_free(&site);
}

/* The disk is as full as a file is long. */
static int put_where_nothing_fits(const struct site *site)
{
    const struct rlimit limit = {500, 500};
    struct mig_error err;

    (void)signal(SIGXFSZ, SIG_IGN);
    if (setrlimit(RLIMIT_FSIZE, &limit) != 0) {
        return 3;
    }
    if (try_put(site, MIG_STORE_ACTIVE, "web3", "2", "avx2", &err) || err.code != MIG_IO) {
        return 1;
    }
    return strstr(err.msg, "web3.active: File too large") != NULL ? 0 : 2;
}

CHECK_TEST(a_full_disk_is_an_error_and_loses_nothing)
{
    struct site site = site_new();
    int status = 0;
    pid_t pid;

    put(&site, MIG_STORE_ACTIVE, "web3", "1");
    (void)fflush(stdout);
    pid = fork();
    if (pid == 0) {
        _exit(put_where_nothing_fits(&site));
    }
    check_true("wait", pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status));
    check_number("child", 0, (uint64_t)WEXITSTATUS(status));
    check_list("still there", &site, "web3/1 active");
    check_number("no more files", 2, count_files(&site));
    site_free(&site);
}

/* Two instances in turn until somebody kills us. */
static void put_for_ever(const struct site *site, const struct mig_bytes sealed[2])
{
    struct mig_error err;

    for (unsigned i = 0;; i = !i) {
        if (!mig_store_put(&site->store, MIG_STORE_ACTIVE, sealed[i].items, sealed[i].len, &err)) {
            _exit(1);
        }
    }
}

CHECK_TEST(a_writer_that_is_killed_leaves_a_whole_contract)
{
    struct site site = site_new();
    MIG_AUTO(mig_contract_free) struct mig_contract *one = guest("web3", "1", "avx2");
    MIG_AUTO(mig_contract_free) struct mig_contract *two = guest("web3", "2", "");
    struct mig_bytes sealed[2] = {sealed_by(site.alpha, one), sealed_by(site.alpha, two)};
    struct mig_error err;

    put(&site, MIG_STORE_ACTIVE, "web3", "1");
    put(&site, MIG_STORE_ACTIVE, "db", "1");
    for (unsigned round = 0; round < 60; round++) {
        MIG_AUTO(mig_stored_clear) struct mig_stored found = {0};
        MIG_AUTO(mig_store_close) struct mig_store store = {0};
        int status = 0;
        pid_t pid;

        (void)fflush(stdout);
        pid = fork();
        if (pid == 0) {
            put_for_ever(&site, sealed);
        }
        (void)usleep(500 + round * 331);
        check_true("kill", kill(pid, SIGKILL) == 0 && waitpid(pid, &status, 0) == pid);
        check_true("it was still at work", WIFSIGNALED(status));
        check_done("open", mig_store_open(site.dir, site.trust, &store, &err), &err);
        check_number("cleaned up", 3, count_files(&site));
        check_done("one of both", mig_store_find(&store, "web3", NULL, &found, &err), &err);
    }
    check_done("goes on", try_put(&site, MIG_STORE_ACTIVE, "web3", "3", "avx2", &err), &err);
    check_list("both", &site, "db/1 active, web3/3 active");
    mig_bytes_clear(&sealed[0]);
    mig_bytes_clear(&sealed[1]);
    site_free(&site);
}

CHECK_TEST(a_half_written_file_is_removed_at_the_next_open_and_nothing_else)
{
    struct site site = site_new();
    MIG_AUTO(mig_store_close) struct mig_store again = {0};
    struct mig_error err;

    put(&site, MIG_STORE_ACTIVE, "web3", "1");
    overwrite(&site, "web3.active.Ab12xY", "half", 4);
    overwrite(&site, "notes.Ab12xY", "mine", 4);
    overwrite(&site, "web3.active.old", "mine", 4);
    check_done("open", mig_store_open(site.dir, site.trust, &again, &err), &err);
    check_number("the contract, the lock and two of others", 4, count_files(&site));
    check_list("still there", &site, "web3/1 active");
    site_free(&site);
}

CHECK_TEST(the_oldest_of_those_that_left_makes_room)
{
    struct site site = site_new();
    MIG_AUTO(mig_free) char *old = mig_strf("%s/old.retired", site.dir);
    MIG_AUTO(mig_free) char *last = mig_strf("%s/vm1.retired", site.dir);
    const struct timespec long_ago[2] = {{.tv_sec = 1}, {.tv_sec = 1}};
    struct mig_error err;

    put(&site, MIG_STORE_ACTIVE, "web3", "1");
    overwrite(&site, "old.retired", "x", 1);
    assert_int_equal(utimensat(AT_FDCWD, old, long_ago, 0), 0);
    for (int i = 1; i < MIG_STORE_MAX; i++) {
        char name[32];

        (void)snprintf(name, sizeof name, "vm%d.retired", i);
        overwrite(&site, name, "x", 1);
    }
    check_done("retire", mig_store_retire(&site.store, "web3", "1", &err), &err);
    check_true("the oldest has gone", access(old, F_OK) != 0);
    check_true("no other", access(last, F_OK) == 0);
    check_number("and the lock", MIG_STORE_MAX + 1, count_files(&site));
    site_free(&site);
}

CHECK_TEST(a_guest_that_did_not_come_is_turned_away)
{
    struct site site = site_new();
    struct mig_error err;

    put(&site, MIG_STORE_INCOMING, "web3", "1");
    check_refused("another instance", mig_store_turn_away(&site.store, "web3", "2", &err),
                  MIG_STALE, "another instance", &err);
    for (int i = 0; i < 2; i++) {
        check_done("turn away", mig_store_turn_away(&site.store, "web3", "1", &err), &err);
        check_list("nobody waits", &site, "");
    }
    site_free(&site);
}

CHECK_TEST(a_store_that_is_no_folder_is_an_error)
{
    struct site site = site_new();
    MIG_AUTO(mig_store_close) struct mig_store store = {0};
    struct mig_error err;

    check_refused("a file", mig_store_open(site.fleet->ca, site.trust, &store, &err), MIG_IO,
                  "ca-cert.pem: Not a directory", &err);
    check_refused("no name", mig_store_open("", site.trust, &store, &err), MIG_USAGE,
                  "expected a folder", &err);
    site_free(&site);
}

CHECK_MAIN(cmocka_unit_test(a_folder_that_is_not_there_is_empty_until_something_is_put),
           cmocka_unit_test(an_id_of_any_shape_has_a_file_of_its_own),
           cmocka_unit_test(a_new_instance_ends_the_old_one),
           cmocka_unit_test(what_an_instance_was_shown_does_not_change),
           cmocka_unit_test(a_guest_comes_and_goes),
           cmocka_unit_test(a_damaged_file_is_named_and_the_others_are_listed),
           cmocka_unit_test(what_is_no_contract_of_ours_is_not_put),
           cmocka_unit_test(a_folder_that_can_not_be_written_is_an_error_and_loses_nothing),
           cmocka_unit_test(a_full_disk_is_an_error_and_loses_nothing),
           cmocka_unit_test(a_writer_that_is_killed_leaves_a_whole_contract),
           cmocka_unit_test(a_half_written_file_is_removed_at_the_next_open_and_nothing_else),
           cmocka_unit_test(the_oldest_of_those_that_left_makes_room),
           cmocka_unit_test(a_guest_that_did_not_come_is_turned_away),
           cmocka_unit_test(a_store_that_is_no_folder_is_an_error))
