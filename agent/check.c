/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/check.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netdb.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/capture.h"
#include "agent/capturer.h"
#include "agent/credentials.h"
#include "base/alloc.h"
#include "base/now.h"
#include "base/text.h"
#include "pact/policy.h"
#include "pact/store.h"
#include "seal/key.h"
#include "seal/seal.h"
#include "snapshot/snapshot.h"
#include "wire/address.h"
#include "wire/resolve.h"

/* Time enough to renew. */
#define EXPIRY_WARN_S (14 * 24 * 3600)

enum grade { PASS, WARN, FAIL };

struct report {
    const struct mig_agent_options *options;
    FILE *out;
    bool failed;
};

static void tell(struct report *r, enum grade grade, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static void tell(struct report *r, enum grade grade, const char *fmt, ...)
{
    static const char *const words[] = {[PASS] = "PASS", [WARN] = "WARN", [FAIL] = "FAIL"};
    va_list ap;

    r->failed |= grade == FAIL;
    (void)fprintf(r->out, "%s ", words[grade]);
    va_start(ap, fmt);
    (void)vfprintf(r->out, fmt, ap);
    va_end(ap);
    (void)fputc('\n', r->out);
}

/* Could a socket be made here?  Not by making it: an agent may have it now. */
static bool check_address(const char *text, struct mig_error *err)
{
    struct mig_address at;
    struct addrinfo *ai;
    char *slash;

    if (!mig_address_parse(text, &at, err)) {
        return false;
    }
    if (at.path[0] == '\0') {
        ai = mig_resolve_literal(at.host, at.port);
        if (ai == NULL) {
            return mig_fail(err, MIG_USAGE, "%s: to listen needs a numeric address", text);
        }
        freeaddrinfo(ai);
        return true;
    }
    slash = strrchr(at.path, '/');
    slash[slash == at.path ? 1 : 0] = '\0';
    return access(at.path, W_OK | X_OK) == 0 || mig_fail_errno(err, MIG_IO, "%s", at.path);
}

static void check_addresses(struct report *r)
{
    MIG_AUTO(mig_free) char *list = mig_strdup(r->options->listen);
    char *rest = list, *word;

    while ((word = strsep(&rest, ",")) != NULL) {
        struct mig_error err;

        word = mig_text_trim(word);
        if (check_address(word, &err)) {
            tell(r, PASS, "listen: %s", word);
        } else {
            tell(r, FAIL, "listen: %s", err.msg);
        }
    }
}

static void check_expiry(struct report *r, const struct mig_key *key)
{
    int64_t from, to, left;

    mig_key_validity(key, &from, &to);
    left = to - mig_now_unix();
    tell(r, left < EXPIRY_WARN_S ? WARN : PASS, "certificate: expires in %" PRId64 " days",
         left / (24 * 3600));
}

/* What we seal, peers must be able to open: the same authorities, a chain that
 * reaches them. */
static void check_chain(struct report *r, const struct mig_credentials *creds)
{
    static const unsigned char text[] = "check";
    MIG_AUTO(mig_bytes_clear) struct mig_bytes sealed = {0};
    MIG_AUTO(mig_payload_free) struct mig_payload *payload = NULL;
    struct mig_error err;

    if (mig_seal(creds->key, MIG_PAYLOAD_SNAPSHOT, text, sizeof text, &sealed, &err) &&
        mig_seal_open(creds->trust, MIG_PAYLOAD_SNAPSHOT, sealed.items, sealed.len, &payload,
                      &err)) {
        tell(r, PASS, "trust: our signature verifies against %s", r->options->ca);
    } else {
        tell(r, FAIL, "trust: our signature does not verify against %s: %s", r->options->ca,
             err.msg);
    }
}

static struct mig_credentials *check_keys(struct report *r)
{
    struct mig_credentials *creds = NULL;
    struct mig_error err;

    if (!mig_credentials_load(r->options, mig_now_unix(), &creds, &err)) {
        tell(r, FAIL, "keys: %s", err.msg);
        return NULL;
    }
    tell(r, PASS, "keys: agent '%s', key, certificate and authorities can be read", creds->name);
    if (r->options->crl == NULL) {
        tell(r, WARN, "crl: none configured: a stolen key stays good until it expires");
    }
    check_expiry(r, creds->key);
    check_chain(r, creds);
    return creds;
}

static void check_groups(struct report *r, const struct mig_snapshot *s)
{
    for (unsigned i = 0; i < MIG_GROUP_COUNT; i++) {
        const struct mig_group_state *g = &s->groups[i];

        if (g->coverage == MIG_COVER_UNREADABLE && i != MIG_GROUP_KVM_VIEW) {
            tell(r, WARN, "%s: %s: %s", mig_group_name((enum mig_group)i), g->source,
                 strerror(g->errnum));
        }
    }
}

static void check_parameters(struct report *r, const struct mig_snapshot *s)
{
    const char *ignore = mig_snapshot_fact(s, "kvm.param.kvm.ignore_msrs");

    if (ignore != NULL && strcmp(ignore, "Y") == 0) {
        tell(r, WARN, "kvm.ignore_msrs=Y: a failed MSR restore would go unnoticed");
    }
}

static void check_policy(struct report *r)
{
    const char *path = r->options->policy != NULL ? r->options->policy : MIG_POLICY_PATH;
    MIG_AUTO(mig_policy_clear) struct mig_policy policy = {0};
    struct mig_error err;

    if (!mig_policy_load(path, &policy, &err)) {
        tell(r, FAIL, "policy: %s", err.msg);
    } else {
        tell(r, PASS, "policy: %s", access(path, F_OK) == 0 ? path : "none");
    }
}

/* The folder @path, or the nearest above it that is there. */
static bool find_folder(char *path, struct stat *ret, struct mig_error *err)
{
    while (stat(path, ret) != 0) {
        char *slash = strrchr(path, '/');

        if (errno != ENOENT || path[strspn(path, "./")] == '\0') {
            return mig_fail_errno(err, MIG_IO, "%s", path);
        }
        if (slash == NULL) {
            memcpy(path, ".", sizeof ".");
        } else {
            slash[slash == path ? 1 : 0] = '\0';
        }
    }
    if (!S_ISDIR(ret->st_mode)) {
        return mig_fail(err, MIG_IO, "%s: is no folder", path);
    }
    return faccessat(AT_FDCWD, path, R_OK | W_OK | X_OK, AT_EACCESS) == 0 ||
           mig_fail_errno(err, MIG_IO, "%s", path);
}

/* What is stored is signed, but who may write to the folder can take it away or
 * put back what was stored before. */
static void check_owner(struct report *r, const char *dir, const struct stat *st)
{
    if (st->st_uid != 0 && st->st_uid != geteuid()) {
        tell(r, WARN,
             "contracts: %s belongs to user %ld, who can remove contracts: "
             "chown it to user %ld",
             dir, (long)st->st_uid, (long)geteuid());
    }
    if ((st->st_mode & (S_IWGRP | S_IWOTH)) != 0) {
        tell(r, WARN, "contracts: others may write to %s and remove contracts: chmod 0700 %s", dir,
             dir);
    }
}

static void check_stored(struct report *r, const char *dir, const struct mig_trust *trust)
{
    MIG_AUTO(mig_store_close) struct mig_store store = {0};
    MIG_AUTO(mig_store_list_clear) struct mig_store_list list = {0};
    struct mig_error err;

    if (!mig_store_open(dir, trust, &store, &err) || !mig_store_list(&store, &list, &err)) {
        tell(r, FAIL, "%s", err.msg);
        return;
    }
    for (size_t i = 0; i < list.len; i++) {
        if (list.items[i].error.code != MIG_OK) {
            tell(r, WARN, "contracts: of '%s': %s: record it anew, or forget it", list.items[i].vm,
                 list.items[i].error.msg);
        }
    }
    tell(r, PASS, "contracts: %s, %zu stored", dir, list.len);
}

static void check_contracts(struct report *r, const struct mig_credentials *creds)
{
    const char *dir = r->options->contracts;
    MIG_AUTO(mig_free) char *at = mig_strdup(dir);
    struct mig_error err;
    struct stat st;

    if (!find_folder(at, &st, &err)) {
        tell(r, FAIL,
             "contracts: %s: make %s a folder of user %ld with mode 0700, or give another "
             "with --contracts",
             err.msg, dir, (long)geteuid());
    } else if (strcmp(at, dir) != 0) {
        tell(r, PASS, "contracts: %s, will be made for the first one", dir);
    } else {
        check_owner(r, dir, &st);
        if (creds != NULL) {
            check_stored(r, dir, creds->trust);
        } else {
            tell(r, PASS, "contracts: %s", dir);
        }
    }
}

static size_t count(const struct mig_snapshot *s, enum mig_space space)
{
    size_t len;

    (void)mig_snapshot_space(s, space, &len);
    return len;
}

static void check_capture(struct report *r, const struct mig_credentials *creds)
{
    const char *what = r->options->replay != NULL ? r->options->replay : r->options->kvm;
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *s = NULL;
    const struct mig_group_state *view;
    uint64_t start = mig_now_ms();
    char counted[128];
    struct mig_error err;

    if (!mig_capturer_once(r->options, creds, &s, &err)) {
        tell(r, FAIL, "%s: %s", r->options->replay != NULL ? "replay" : what, err.msg);
        return;
    }
    view = &s->groups[MIG_GROUP_KVM_VIEW];
    if (r->options->replay == NULL && view->coverage == MIG_COVER_UNREADABLE) {
        tell(r, FAIL, "%s: %s%s", view->source, strerror(view->errnum),
             mig_capture_hint(view->errnum));
        return;
    }
    if (s->arch == MIG_ARCH_ARM64) {
        (void)snprintf(counted, sizeof counted, "%zu ID registers, %zu saved registers",
                       count(s, MIG_SPACE_IDREG), count(s, MIG_SPACE_REG_LIST));
    } else {
        (void)snprintf(counted, sizeof counted, "%zu CPUID registers, %zu feature MSRs",
                       count(s, MIG_SPACE_CPUID), count(s, MIG_SPACE_MSR));
    }
    tell(r, PASS, "%s: %s, %zu capabilities, %zu facts, %" PRIu64 " ms", what, counted,
         count(s, MIG_SPACE_CAP), s->facts_len, mig_now_ms() - start);
    if (r->options->replay == NULL) {
        check_groups(r, s);
        check_parameters(r, s);
    }
}

static const char *configuration(const struct mig_agent_options *o)
{
    if (o->config != NULL) {
        return o->config;
    }
    return access(MIG_AGENT_CONFIG, R_OK) == 0 ? MIG_AGENT_CONFIG
                                               : "defaults, there is no " MIG_AGENT_CONFIG;
}

bool mig_check_run(const struct mig_agent_options *o, FILE *out)
{
    struct report r = {.options = o, .out = out};
    MIG_AUTO(mig_credentials_free) struct mig_credentials *creds = NULL;

    tell(&r, PASS, "configuration: %s", configuration(o));
    check_addresses(&r);
    creds = check_keys(&r);
    check_policy(&r);
    check_contracts(&r, creds);
    check_capture(&r, creds);
    return !r.failed;
}
