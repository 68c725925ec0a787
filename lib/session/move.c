/* SPDX-License-Identifier: Apache-2.0 */
#include "session/move.h"

#include <string.h>

#include "base/alloc.h"
#include "session/ask.h"
#include "session/target.h"

static const char *const names[MIG_STEP_COUNT] = {
    [MIG_STEP_NONE] = "",         [MIG_STEP_APPROVE] = "approve",
    [MIG_STEP_SWITCH] = "switch", [MIG_STEP_COMPLETE] = "complete",
    [MIG_STEP_DEPART] = "depart", [MIG_STEP_ABANDON] = "abandon",
};

const char *mig_step_name(enum mig_step step)
{
    MIG_ASSERT((unsigned)step < MIG_STEP_COUNT);
    return names[step];
}

bool mig_step_parse(const char *word, enum mig_step *ret)
{
    for (int i = MIG_STEP_APPROVE; i < MIG_STEP_COUNT; i++) {
        if (strcmp(names[i], word) == 0) {
            *ret = (enum mig_step)i;
            return true;
        }
    }
    return false;
}

void mig_move_clear(struct mig_move *m)
{
    mig_bytes_clear(&m->agreement);
    mig_bytes_clear(&m->contract);
    *m = (struct mig_move){0};
}

bool mig_move_agree(const struct mig_gather *g, const char *agent, const struct mig_move_wish *wish,
                    struct mig_move *ret, struct mig_error *err)
{
    MIG_AUTO(mig_message_clear) struct mig_message ask = {.kind = MIG_MESSAGE_AGREE};
    MIG_AUTO(mig_message_clear) struct mig_message got = {0};
    struct mig_target to;

    if (!mig_target_parse(wish->destination, g->lookup, g->lookup_data, &to, err)) {
        return false;
    }
    if (to.kind != MIG_TARGET_LIVE) {
        return mig_fail(err, MIG_USAGE, "%s: expected the address of the destination's agent",
                        wish->destination);
    }
    ask.vm = mig_strdup(wish->vm);
    ask.instance = mig_strdup(wish->instance != NULL ? wish->instance : "");
    ask.address = mig_strdup(to.where);
    ask.name = mig_strdup(to.address.name);
    ask.timeout_ms = (uint32_t)g->timeout_ms;
    ask.data_path = (uint32_t)wish->data_path;
    if (!mig_ask(g, agent, &ask, MIG_MESSAGE_AGREED, &got, err)) {
        return false;
    }
    *ret = (struct mig_move){mig_bytes_take(&got.agreement), mig_bytes_take(&got.contract)};
    return true;
}

bool mig_move_approve_waiting(const struct mig_gather *g, const char *agent, const char *vm,
                              const char *instance, struct mig_error *err)
{
    MIG_AUTO(mig_message_clear) struct mig_message ask = {.kind = MIG_MESSAGE_ADVANCE};
    MIG_AUTO(mig_message_clear) struct mig_message got = {0};

    ask.step = MIG_STEP_APPROVE;
    ask.vm = mig_strdup(vm);
    ask.instance = mig_strdup(instance);
    return mig_ask(g, agent, &ask, MIG_MESSAGE_ADVANCED, &got, err);
}

bool mig_move_advance(const struct mig_gather *g, const char *agent, enum mig_step step,
                      const struct mig_move *m, struct mig_bytes *ret_contract,
                      struct mig_error *err)
{
    MIG_AUTO(mig_message_clear) struct mig_message ask = {.kind = MIG_MESSAGE_ADVANCE};
    MIG_AUTO(mig_message_clear) struct mig_message got = {0};

    ask.step = step;
    ask.agreement = mig_bytes_copy(m->agreement.items, m->agreement.len);
    ask.contract = mig_bytes_copy(m->contract.items, m->contract.len);
    if (!mig_ask(g, agent, &ask, MIG_MESSAGE_ADVANCED, &got, err)) {
        return false;
    }
    if (step == MIG_STEP_COMPLETE && got.contract.len == 0) {
        return mig_fail(err, MIG_FORMAT, "%s: answered without the contract", agent);
    }
    if (ret_contract != NULL) {
        *ret_contract = mig_bytes_take(&got.contract);
    }
    return true;
}
