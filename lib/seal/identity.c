/* SPDX-License-Identifier: Apache-2.0 */
#include "seal/identity.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "seal/certificate.h"
#include "seal/crypto_error.h"

#define SCHEME "mig://"

static const char *const words[MIG_ROLE_COUNT] = {
#define ROLE(id, word) [MIG_ROLE_##id] = word,
#include "seal/role.def"
};

const char *mig_role_name(enum mig_role role)
{
    return role < MIG_ROLE_COUNT ? words[role] : "unknown";
}

bool mig_role_parse(const char *word, enum mig_role *ret)
{
    for (unsigned i = 0; i < MIG_ROLE_COUNT; i++) {
        if (strcmp(words[i], word) == 0) {
            *ret = (enum mig_role)i;
            return true;
        }
    }
    return false;
}

bool mig_identity_name_is_valid(const char *name)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_";
    size_t len = strlen(name);

    return len > 0 && len < sizeof((struct mig_identity *)NULL)->name &&
           strchr(".-_", name[0]) == NULL && strspn(name, allowed) == len;
}

bool mig_identity_parse(const char *uri, struct mig_identity *ret, struct mig_error *err)
{
    struct mig_identity id = {0};
    char shown[128], role[32];
    const char *slash;

    (void)snprintf(shown, sizeof shown, "%s", uri);
    mig_text_make_printable(shown);
    slash = mig_text_starts(uri, SCHEME) ? strchr(uri + strlen(SCHEME), '/') : NULL;
    if (slash == NULL) {
        return mig_fail(err, MIG_TRUST, "identity '%s' is not of the form " SCHEME "ROLE/NAME",
                        shown);
    }
    (void)snprintf(role, sizeof role, "%.*s", (int)(slash - uri) - (int)strlen(SCHEME),
                   uri + strlen(SCHEME));
    if (!mig_role_parse(role, &id.role)) {
        mig_text_make_printable(role);
        return mig_fail(err, MIG_TRUST, "identity '%s' has an unknown role '%s'", shown, role);
    }
    if (!mig_identity_name_is_valid(slash + 1)) {
        return mig_fail(err, MIG_TRUST,
                        "identity '%s': a name has up to %zu letters, digits, '.', '-' or '_' and "
                        "starts with a letter or digit",
                        shown, sizeof id.name - 1);
    }
    (void)snprintf(id.name, sizeof id.name, "%s", slash + 1);
    *ret = id;
    return true;
}

bool mig_identity_of_leaf(const struct x509_st *leaf, struct mig_identity *ret,
                          struct mig_error *err)
{
    return mig_crypto_drain(mig_certificate_identity(leaf, ret, err));
}
