/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/credentials.h"

#include <string.h>

#include "agent/options.h"
#include "base/alloc.h"
#include "seal/key.h"
#include "wire/tls.h"

static bool check_key(const struct mig_agent_options *o, const struct mig_key *key, int64_t now,
                      struct mig_error *err)
{
    const struct mig_identity *identity = mig_key_identity(key);
    int64_t from, to;

    if (identity->role != MIG_ROLE_AGENT) {
        return mig_fail(err, MIG_USAGE, "%s: certificate of role '%s', expected 'agent'", o->cert,
                        mig_role_name(identity->role));
    }
    if (o->name != NULL && strcmp(o->name, identity->name) != 0) {
        return mig_fail(err, MIG_USAGE, "%s: certificate of '%s', but the configured name is '%s'",
                        o->cert, identity->name, o->name);
    }
    mig_key_validity(key, &from, &to);
    if (now < from || now > to) {
        return mig_fail(err, MIG_USAGE, "%s: certificate %s", o->cert,
                        now < from ? "is not yet valid" : "has expired");
    }
    return true;
}

/* Whatever is wrong with our own files, it is the configuration that is wrong,
 * not evidence. */
static bool blame_configuration(struct mig_error *err)
{
    if (err->code == MIG_FORMAT || err->code == MIG_TRUST) {
        err->code = MIG_USAGE;
    }
    return false;
}

bool mig_credentials_load(const struct mig_agent_options *o, int64_t now,
                          struct mig_credentials **ret, struct mig_error *err)
{
    const struct mig_tls_files files = {o->ca, o->cert, o->key, o->crl};
    MIG_AUTO(mig_credentials_free) struct mig_credentials *c = MIG_NEW(struct mig_credentials);

    c->refs = 1;
    if (!mig_key_load(o->cert, o->key, &c->key, err) || !check_key(o, c->key, now, err) ||
        !mig_trust_load(o->ca, o->crl, &c->trust, err) || !mig_tls_new(&files, &c->tls, err)) {
        return blame_configuration(err);
    }
    c->name = mig_key_identity(c->key)->name;
    *ret = mig_steal(&c);
    return true;
}

struct mig_credentials *mig_credentials_ref(struct mig_credentials *c)
{
    c->refs++;
    return c;
}

void mig_credentials_free(struct mig_credentials *c)
{
    if (c == NULL || --c->refs > 0) {
        return;
    }
    mig_tls_free(c->tls);
    mig_key_free(c->key);
    mig_trust_free(c->trust);
    mig_free(c);
}
