/* SPDX-License-Identifier: Apache-2.0 */
#include "session/held.h"

#include <string.h>

#include "base/alloc.h"
#include "pact/contract.h"
#include "session/ask.h"

static bool ask_for(const struct mig_gather *g, const char *agent, struct mig_message *ask,
                    struct mig_held *ret, struct mig_error *err)
{
    MIG_AUTO(mig_message_clear) struct mig_message got = {0};

    if (!mig_ask(g, agent, ask, MIG_MESSAGE_CONTRACT_HELD, &got, err)) {
        return false;
    }
    *ret = (struct mig_held){got.sealed, got.standing};
    got.sealed = (struct mig_bytes){0};
    return true;
}

bool mig_held_get(const struct mig_gather *g, const char *agent, const char *vm,
                  const char *instance, struct mig_held *ret, struct mig_error *err)
{
    MIG_AUTO(mig_message_clear) struct mig_message m = {.kind = MIG_MESSAGE_CONTRACT_GET};

    m.vm = mig_strdup(vm);
    m.instance = instance != NULL ? mig_strdup(instance) : NULL;
    return ask_for(g, agent, &m, ret, err);
}

static const struct mig_contract_entry *find_incoming(const struct mig_message *listed,
                                                      const char *vm)
{
    for (size_t i = 0; i < listed->entries_len; i++) {
        const struct mig_contract_entry *e = &listed->entries[i];

        if (e->standing == MIG_STANDING_INCOMING && strcmp(e->vm, vm) == 0) {
            return e;
        }
    }
    return NULL;
}

bool mig_held_get_incoming(const struct mig_gather *g, const char *agent, const char *vm,
                           struct mig_held *ret, struct mig_error *err)
{
    MIG_AUTO(mig_message_clear) struct mig_message m = {.kind = MIG_MESSAGE_CONTRACT_LIST};
    MIG_AUTO(mig_message_clear) struct mig_message listed = {0};
    const struct mig_contract_entry *e;

    m.vm = mig_strdup(vm);
    m.standing = MIG_STANDING_ACTIVE; /* what comes after it */
    if (!mig_ask(g, agent, &m, MIG_MESSAGE_CONTRACT_LISTED, &listed, err)) {
        return false;
    }
    e = find_incoming(&listed, vm);
    if (e == NULL) {
        return mig_fail(err, MIG_MISSING, "no contract of '%s' waits at this host's agent", vm);
    }
    if (e->error[0] != '\0') {
        return mig_fail(err, MIG_TRUST, "the contract of '%s' that waits: %s", vm, e->error);
    }
    return mig_held_get(g, agent, vm, e->instance, ret, err) &&
           (ret->standing == MIG_STANDING_INCOMING ||
            mig_fail(err, MIG_STALE, "this instance of '%s' runs here already", vm));
}

bool mig_held_put(const struct mig_gather *g, const char *agent, const struct mig_contract *c,
                  struct mig_held *ret, struct mig_error *err)
{
    MIG_AUTO(mig_message_clear) struct mig_message m = {.kind = MIG_MESSAGE_CONTRACT_PUT};

    mig_contract_encode(c, &m.contract);
    return ask_for(g, agent, &m, ret, err);
}
