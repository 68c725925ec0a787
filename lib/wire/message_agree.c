/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/message_agree.h"

#include "base/alloc.h"
#include "negotiate.pb-c.h"
#include "wire/message_part.h"

/* An agreement is a page; what makes its envelope large are certificates. */
#define AGREEMENT_MAX (192u * 1024)
#define CONTRACT_MAX (768u * 1024)
#define DATA_PATH_MAX 255

/* ---- encode ---- */

static void pack_agree(Mig__Wire__Frame *frame, const struct mig_message *m, struct mig_bytes *ret)
{
    Mig__Wire__Agree agree;

    mig__wire__agree__init(&agree);
    agree.vm = mig_message_text(m->vm);
    agree.instance = mig_message_text(m->instance);
    agree.address = mig_message_text(m->address);
    agree.name = mig_message_text(m->name);
    agree.timeout_ms = m->timeout_ms;
    agree.data_path = m->data_path;
    frame->body_case = MIG__WIRE__FRAME__BODY_AGREE;
    frame->agree = &agree;
    mig_message_pack(frame, ret);
}

static void pack_agreed(Mig__Wire__Frame *frame, const struct mig_message *m, struct mig_bytes *ret)
{
    Mig__Wire__Agreed agreed;

    mig__wire__agreed__init(&agreed);
    agreed.agreement = mig_message_borrow(&m->agreement);
    agreed.contract = mig_message_borrow(&m->contract);
    frame->body_case = MIG__WIRE__FRAME__BODY_AGREED;
    frame->agreed = &agreed;
    mig_message_pack(frame, ret);
}

static void pack_propose(Mig__Wire__Frame *frame, const struct mig_message *m,
                         struct mig_bytes *ret)
{
    Mig__Wire__Propose propose;

    mig__wire__propose__init(&propose);
    propose.agreement = mig_message_borrow(&m->agreement);
    propose.sealed = mig_message_borrow(&m->sealed);
    propose.contract = mig_message_borrow(&m->contract);
    frame->body_case = MIG__WIRE__FRAME__BODY_PROPOSE;
    frame->propose = &propose;
    mig_message_pack(frame, ret);
}

static void pack_accepted(Mig__Wire__Frame *frame, const struct mig_message *m,
                          struct mig_bytes *ret)
{
    Mig__Wire__Accepted accepted;

    mig__wire__accepted__init(&accepted);
    accepted.agreement = mig_message_borrow(&m->agreement);
    frame->body_case = MIG__WIRE__FRAME__BODY_ACCEPTED;
    frame->accepted = &accepted;
    mig_message_pack(frame, ret);
}

static void pack_advance(Mig__Wire__Frame *frame, const struct mig_message *m,
                         struct mig_bytes *ret)
{
    Mig__Wire__Advance advance;

    mig__wire__advance__init(&advance);
    advance.step = (Mig__Wire__Step)m->step;
    advance.agreement = mig_message_borrow(&m->agreement);
    advance.contract = mig_message_borrow(&m->contract);
    advance.vm = mig_message_text(m->vm);
    advance.instance = mig_message_text(m->instance);
    frame->body_case = MIG__WIRE__FRAME__BODY_ADVANCE;
    frame->advance = &advance;
    mig_message_pack(frame, ret);
}

static void pack_advanced(Mig__Wire__Frame *frame, const struct mig_message *m,
                          struct mig_bytes *ret)
{
    Mig__Wire__Advanced advanced;

    mig__wire__advanced__init(&advanced);
    advanced.contract = mig_message_borrow(&m->contract);
    frame->body_case = MIG__WIRE__FRAME__BODY_ADVANCED;
    frame->advanced = &advanced;
    mig_message_pack(frame, ret);
}

void mig_message_pack_agree(struct Mig__Wire__Frame *frame, const struct mig_message *m,
                            struct mig_bytes *ret)
{
    switch ((int)m->kind) { /* of the others message.c knows */
    case MIG_MESSAGE_AGREE:
        pack_agree(frame, m, ret);
        return;
    case MIG_MESSAGE_AGREED:
        pack_agreed(frame, m, ret);
        return;
    case MIG_MESSAGE_PROPOSE:
        pack_propose(frame, m, ret);
        return;
    case MIG_MESSAGE_ACCEPTED:
        pack_accepted(frame, m, ret);
        return;
    case MIG_MESSAGE_ADVANCE:
        pack_advance(frame, m, ret);
        return;
    case MIG_MESSAGE_ADVANCED:
    default:
        MIG_ASSERT(m->kind == MIG_MESSAGE_ADVANCED);
        pack_advanced(frame, m, ret);
    }
}

/* ---- decode ---- */

static bool take_agreement(ProtobufCBinaryData from, struct mig_message *m, struct mig_error *err)
{
    return mig_message_take_bytes("agreement", from, AGREEMENT_MAX, &m->agreement, err);
}

static bool take_contract(ProtobufCBinaryData from, struct mig_message *m, struct mig_error *err)
{
    return mig_message_take_bytes("contract", from, CONTRACT_MAX, &m->contract, err);
}

static bool take_agree(const Mig__Wire__Agree *from, struct mig_message *m, struct mig_error *err)
{
    m->kind = MIG_MESSAGE_AGREE;
    m->timeout_ms = from->timeout_ms;
    m->data_path = from->data_path;
    if (from->data_path > DATA_PATH_MAX) {
        return mig_fail(err, MIG_FORMAT, "data_path is %u, at most %d is allowed", from->data_path,
                        DATA_PATH_MAX);
    }
    return mig_message_check_timeout(from->timeout_ms, err) &&
           mig_message_take_guest(from->vm, from->instance, m, err) &&
           mig_message_take_target(from->address, from->name, m, err);
}

static bool take_propose(const Mig__Wire__Propose *from, struct mig_message *m,
                         struct mig_error *err)
{
    m->kind = MIG_MESSAGE_PROPOSE;
    return take_agreement(from->agreement, m, err) &&
           mig_message_take_bytes("sealed", from->sealed, MIG_FRAME_MAX, &m->sealed, err) &&
           take_contract(from->contract, m, err);
}

/* Which steps need a contract is for the agent to say. */
static bool take_advance(const Mig__Wire__Advance *from, struct mig_message *m,
                         struct mig_error *err)
{
    m->kind = MIG_MESSAGE_ADVANCE;
    if ((unsigned)from->step >= MIG_STEP_COUNT || from->step == 0) {
        return mig_fail(err, MIG_FORMAT, "step %d is none that we know", (int)from->step);
    }
    m->step = (enum mig_step)from->step;
    if (from->agreement.len == 0 && m->step == MIG_STEP_APPROVE) {
        return from->contract.len == 0
                   ? mig_message_take_guest(from->vm, from->instance, m, err)
                   : mig_fail(err, MIG_FORMAT, "a contract without its agreement");
    }
    if (from->vm[0] != '\0' || from->instance[0] != '\0') {
        return mig_fail(err, MIG_FORMAT, "vm beside an agreement, which names it");
    }
    return take_agreement(from->agreement, m, err) &&
           (from->contract.len == 0 || take_contract(from->contract, m, err));
}

bool mig_message_has_agree(const struct Mig__Wire__Frame *frame)
{
    return (int)frame->body_case >= MIG__WIRE__FRAME__BODY_AGREE &&
           (int)frame->body_case <= MIG__WIRE__FRAME__BODY_ADVANCED;
}

bool mig_message_take_agree(const struct Mig__Wire__Frame *frame, struct mig_message *m,
                            struct mig_error *err)
{
    switch ((int)frame->body_case) {
    case MIG__WIRE__FRAME__BODY_AGREE:
        return take_agree(frame->agree, m, err);
    case MIG__WIRE__FRAME__BODY_AGREED:
        m->kind = MIG_MESSAGE_AGREED;
        return take_agreement(frame->agreed->agreement, m, err) &&
               take_contract(frame->agreed->contract, m, err);
    case MIG__WIRE__FRAME__BODY_PROPOSE:
        return take_propose(frame->propose, m, err);
    case MIG__WIRE__FRAME__BODY_ACCEPTED:
        m->kind = MIG_MESSAGE_ACCEPTED;
        return take_agreement(frame->accepted->agreement, m, err);
    case MIG__WIRE__FRAME__BODY_ADVANCE:
        return take_advance(frame->advance, m, err);
    case MIG__WIRE__FRAME__BODY_ADVANCED:
    default:
        m->kind = MIG_MESSAGE_ADVANCED;
        return frame->advanced->contract.len == 0 ||
               take_contract(frame->advanced->contract, m, err);
    }
}
