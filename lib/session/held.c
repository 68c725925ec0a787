/* SPDX-License-Identifier: Apache-2.0 */
#include "session/held.h"

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

bool mig_held_put(const struct mig_gather *g, const char *agent, const struct mig_contract *c,
                  struct mig_held *ret, struct mig_error *err)
{
    MIG_AUTO(mig_message_clear) struct mig_message m = {.kind = MIG_MESSAGE_CONTRACT_PUT};

    mig_contract_encode(c, &m.contract);
    return ask_for(g, agent, &m, ret, err);
}
