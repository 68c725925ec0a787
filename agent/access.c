/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/access.h"

#include <assert.h>
#include <stddef.h>

enum from { ANYWHERE, LOCAL };

static const struct {
    enum mig_message_kind kind;
    enum mig_role role;
    enum from from;
} rows[] = {
#define ACCESS(kind, role, from) {MIG_MESSAGE_##kind, MIG_ROLE_##role, from},
#include "agent/access.def"
};

static const char *const names[] = {
    [MIG_MESSAGE_CAPTURE] = "capture",
    [MIG_MESSAGE_CAPTURED] = "captured",
    [MIG_MESSAGE_EXCHANGE] = "exchange",
    [MIG_MESSAGE_EXCHANGED] = "exchanged",
    [MIG_MESSAGE_PROVE] = "prove",
    [MIG_MESSAGE_PROVED] = "proved",
    [MIG_MESSAGE_ERROR] = "error",
    [MIG_MESSAGE_CONTRACT_PUT] = "contract put",
    [MIG_MESSAGE_CONTRACT_HELD] = "contract held",
    [MIG_MESSAGE_CONTRACT_GET] = "contract get",
    [MIG_MESSAGE_CONTRACT_LIST] = "contract list",
    [MIG_MESSAGE_CONTRACT_LISTED] = "contract listed",
    [MIG_MESSAGE_CONTRACT_FORGET] = "contract forget",
    [MIG_MESSAGE_CONTRACT_FORGOTTEN] = "contract forgotten",
    [MIG_MESSAGE_AGREE] = "agree",
    [MIG_MESSAGE_AGREED] = "agreed",
    [MIG_MESSAGE_PROPOSE] = "propose",
    [MIG_MESSAGE_ACCEPTED] = "accepted",
    [MIG_MESSAGE_ADVANCE] = "advance",
    [MIG_MESSAGE_ADVANCED] = "advanced",
};

static_assert(sizeof names / sizeof *names == MIG_MESSAGE_KIND_COUNT, "a name per message");

const char *mig_access_name(enum mig_message_kind kind)
{
    return (unsigned)kind < MIG_MESSAGE_KIND_COUNT ? names[kind] : "unknown";
}

bool mig_access_check(enum mig_message_kind kind, enum mig_role role, bool local,
                      struct mig_error *err)
{
    bool elsewhere = false;

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (rows[i].kind == kind && rows[i].role == role) {
            if (rows[i].from == ANYWHERE || local) {
                return true;
            }
            elsewhere = true;
        }
    }
    if (elsewhere) {
        return mig_fail(err, MIG_REFUSED, "role '%s' may ask for '%s' over a unix socket only",
                        mig_role_name(role), mig_access_name(kind));
    }
    return mig_fail(err, MIG_REFUSED, "role '%s' may not ask for '%s'", mig_role_name(role),
                    mig_access_name(kind));
}
