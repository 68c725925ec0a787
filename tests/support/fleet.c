/* SPDX-License-Identifier: Apache-2.0 */
#include "support/fleet.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/now.h"
#include "pki/issue.h"
#include "pki/revoke.h"
#include "seal/key.h"
#include "support/check.h"

struct fleet *fleet_new(void)
{
    static const struct mig_window window = {FLEET_FROM, FLEET_TO};
    const char *tmp = getenv("TMPDIR");
    struct fleet *f = MIG_NEW(struct fleet);
    struct mig_error err;

    f->dir = mig_strf("%s/fleet-XXXXXX", tmp != NULL ? tmp : "/tmp");
    check_true("folder for a fleet", mkdtemp(f->dir) != NULL);
    f->ca = fleet_path(f, "ca-cert.pem");
    f->crl = fleet_path(f, "crl.pem");
    check_done("fleet", mig_issue_authority(f->dir, "Test Fleet CA", &window, false, &err), &err);
    return f;
}

void fleet_issue(const struct fleet *f, enum mig_role role, const char *name, int64_t from,
                 int64_t to)
{
    MIG_AUTO(mig_free) char *dns = mig_strf("%s,localhost", name);
    int64_t now = mig_now_unix();
    const struct mig_leaf leaf = {
        .role = role,
        .name = name,
        .dns = dns,
        .ip = "127.0.0.1,::1",
        .window = {to != 0 ? from : now - 3600, to != 0 ? to : now + 24 * 3600},
    };
    struct mig_error err;

    check_done(name, mig_issue_leaf(f->dir, &leaf, &err), &err);
}

void fleet_revoke(const struct fleet *f, const char *name)
{
    struct mig_error err;

    check_done(name, mig_revoke_identity(f->dir, name, mig_now_unix(), &err), &err);
}

char *fleet_path(const struct fleet *f, const char *file)
{
    return mig_strf("%s/%s", f->dir, file);
}

char *fleet_cert(const struct fleet *f, const char *name)
{
    return mig_strf("%s/%s-cert.pem", f->dir, name);
}

char *fleet_key_file(const struct fleet *f, const char *name)
{
    return mig_strf("%s/%s-key.pem", f->dir, name);
}

struct mig_key *fleet_key(const struct fleet *f, const char *name)
{
    MIG_AUTO(mig_free) char *cert = fleet_cert(f, name);
    MIG_AUTO(mig_free) char *file = fleet_key_file(f, name);
    struct mig_key *key = NULL;
    struct mig_error err;

    check_done(name, mig_key_load(cert, file, &key, &err), &err);
    return key;
}

struct mig_trust *fleet_trust(const struct fleet *f, bool with_crl)
{
    struct mig_trust *trust = NULL;
    struct mig_error err;

    check_done("trust", mig_trust_load(f->ca, with_crl ? f->crl : NULL, &trust, &err), &err);
    return trust;
}

static int remove_one(const char *path, const struct stat *st __attribute__((unused)),
                      int kind __attribute__((unused)), struct FTW *at __attribute__((unused)))
{
    return remove(path);
}

void fleet_free(struct fleet *f)
{
    if (f == NULL) {
        return;
    }
    (void)nftw(f->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    mig_free(f->dir);
    mig_free(f->ca);
    mig_free(f->crl);
    mig_free(f);
}
