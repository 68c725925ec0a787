/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/message_contract.h"

#include <string.h>

#include "base/alloc.h"
#include "negotiate.pb-c.h"
#include "wire/message_part.h"

#define ID_MAX 63
#define NAME_MAX_LEN 127
#define REASON_MAX 255
#define DIGEST_BYTES 32
#define CONTRACT_MAX (640u * 1024)

/* ---- encode ---- */

static void pack_put(Mig__Wire__Frame *frame, const struct mig_message *m, struct mig_bytes *ret)
{
    Mig__Wire__ContractPut put;

    mig__wire__contract_put__init(&put);
    put.contract = mig_message_borrow(&m->contract);
    frame->body_case = MIG__WIRE__FRAME__BODY_CONTRACT_PUT;
    frame->contract_put = &put;
    mig_message_pack(frame, ret);
}

static void pack_held(Mig__Wire__Frame *frame, const struct mig_message *m, struct mig_bytes *ret)
{
    Mig__Wire__ContractHeld held;

    mig__wire__contract_held__init(&held);
    held.sealed = mig_message_borrow(&m->sealed);
    held.standing = (Mig__Wire__Standing)m->standing;
    frame->body_case = MIG__WIRE__FRAME__BODY_CONTRACT_HELD;
    frame->contract_held = &held;
    mig_message_pack(frame, ret);
}

static void pack_get(Mig__Wire__Frame *frame, const struct mig_message *m, struct mig_bytes *ret)
{
    Mig__Wire__ContractGet get;

    mig__wire__contract_get__init(&get);
    get.vm = mig_message_text(m->vm);
    get.instance = mig_message_text(m->instance);
    frame->body_case = MIG__WIRE__FRAME__BODY_CONTRACT_GET;
    frame->contract_get = &get;
    mig_message_pack(frame, ret);
}

static void pack_forget(Mig__Wire__Frame *frame, const struct mig_message *m, struct mig_bytes *ret)
{
    Mig__Wire__ContractForget forget;

    mig__wire__contract_forget__init(&forget);
    forget.vm = mig_message_text(m->vm);
    forget.instance = mig_message_text(m->instance);
    frame->body_case = MIG__WIRE__FRAME__BODY_CONTRACT_FORGET;
    frame->contract_forget = &forget;
    mig_message_pack(frame, ret);
}

static void pack_forgotten(Mig__Wire__Frame *frame, struct mig_bytes *ret)
{
    Mig__Wire__ContractForgotten forgotten;

    mig__wire__contract_forgotten__init(&forgotten);
    frame->body_case = MIG__WIRE__FRAME__BODY_CONTRACT_FORGOTTEN;
    frame->contract_forgotten = &forgotten;
    mig_message_pack(frame, ret);
}

static void pack_list(Mig__Wire__Frame *frame, const struct mig_message *m, struct mig_bytes *ret)
{
    Mig__Wire__ContractList list;

    mig__wire__contract_list__init(&list);
    list.after_vm = mig_message_text(m->vm);
    list.after_standing = (Mig__Wire__Standing)m->standing;
    frame->body_case = MIG__WIRE__FRAME__BODY_CONTRACT_LIST;
    frame->contract_list = &list;
    mig_message_pack(frame, ret);
}

/* Borrows all but the reason, which is cut as other explanations are. */
static void fill_entry(const struct mig_contract_entry *from, Mig__Wire__ContractEntry *ret)
{
    mig__wire__contract_entry__init(ret);
    ret->vm = mig_message_text(from->vm);
    ret->standing = (Mig__Wire__Standing)from->standing;
    ret->instance = mig_message_text(from->instance);
    ret->recorder = mig_message_text(from->recorder);
    ret->holder = mig_message_text(from->holder);
    ret->recorded_at = from->recorded_at;
    ret->hops = from->hops;
    ret->digest = mig_message_borrow(&from->digest);
    ret->error = mig_message_fit(from->error, REASON_MAX);
}

static void pack_listed(Mig__Wire__Frame *frame, const struct mig_message *m, struct mig_bytes *ret)
{
    size_t len = m->entries_len;
    Mig__Wire__ContractEntry *entries = mig_alloc(len, sizeof *entries);
    Mig__Wire__ContractEntry **pointers = mig_alloc(len, sizeof *pointers);
    Mig__Wire__ContractListed listed;

    mig__wire__contract_listed__init(&listed);
    for (size_t i = 0; i < len; i++) {
        fill_entry(&m->entries[i], &entries[i]);
        pointers[i] = &entries[i];
    }
    listed.entries = pointers;
    listed.n_entries = len;
    listed.more = m->more;
    frame->body_case = MIG__WIRE__FRAME__BODY_CONTRACT_LISTED;
    frame->contract_listed = &listed;
    mig_message_pack(frame, ret);
    for (size_t i = 0; i < len; i++) {
        mig_free(entries[i].error);
    }
    mig_free((void *)pointers);
    mig_free(entries);
}

void mig_message_pack_contract(struct Mig__Wire__Frame *frame, const struct mig_message *m,
                               struct mig_bytes *ret)
{
    switch ((int)m->kind) { /* of the others message.c knows */
    case MIG_MESSAGE_CONTRACT_PUT:
        pack_put(frame, m, ret);
        return;
    case MIG_MESSAGE_CONTRACT_HELD:
        pack_held(frame, m, ret);
        return;
    case MIG_MESSAGE_CONTRACT_GET:
        pack_get(frame, m, ret);
        return;
    case MIG_MESSAGE_CONTRACT_LIST:
        pack_list(frame, m, ret);
        return;
    case MIG_MESSAGE_CONTRACT_LISTED:
        pack_listed(frame, m, ret);
        return;
    case MIG_MESSAGE_CONTRACT_FORGET:
        pack_forget(frame, m, ret);
        return;
    case MIG_MESSAGE_CONTRACT_FORGOTTEN:
        pack_forgotten(frame, ret);
        return;
    default:
        MIG_ASSERT(m->kind == MIG_MESSAGE_CONTRACT_PUT);
    }
}

/* ---- decode ---- */

static bool take_standing(Mig__Wire__Standing from, bool must, enum mig_standing *ret,
                          struct mig_error *err)
{
    if ((unsigned)from >= MIG_STANDING_COUNT || (must && from == 0)) {
        return mig_fail(err, MIG_FORMAT, "standing %d is none that we know", (int)from);
    }
    *ret = (enum mig_standing)from;
    return true;
}

bool mig_message_take_guest(const char *vm, const char *instance, struct mig_message *m,
                            struct mig_error *err)
{
    if (vm[0] == '\0') {
        return mig_fail(err, MIG_FORMAT, "vm is empty");
    }
    return mig_message_copy_text("vm", vm, ID_MAX, &m->vm, err) &&
           mig_message_copy_text("instance", instance, ID_MAX, &m->instance, err);
}

static bool take_list(const Mig__Wire__ContractList *from, struct mig_message *m,
                      struct mig_error *err)
{
    return mig_message_copy_text("after_vm", from->after_vm, ID_MAX, &m->vm, err) &&
           take_standing(from->after_standing, from->after_vm[0] != '\0', &m->standing, err);
}

static bool take_entry(const Mig__Wire__ContractEntry *from, struct mig_contract_entry *ret,
                       struct mig_error *err)
{
    ret->recorded_at = from->recorded_at;
    ret->hops = from->hops;
    if (!mig_message_copy_text("vm", from->vm, ID_MAX, &ret->vm, err) ||
        !mig_message_copy_text("instance", from->instance, ID_MAX, &ret->instance, err) ||
        !mig_message_copy_text("recorder", from->recorder, NAME_MAX_LEN, &ret->recorder, err) ||
        !mig_message_copy_text("holder", from->holder, NAME_MAX_LEN, &ret->holder, err) ||
        !mig_message_copy_text("error", from->error, REASON_MAX, &ret->error, err) ||
        !take_standing(from->standing, true, &ret->standing, err)) {
        return false;
    }
    if (ret->vm[0] == '\0') {
        return mig_fail(err, MIG_FORMAT, "vm is empty");
    }
    if (from->recorded_at > INT64_MAX) {
        return mig_fail(err, MIG_FORMAT, "recorded_at is no time");
    }
    if (from->error[0] != '\0' && from->digest.len == 0) {
        return true;
    }
    if (from->digest.len != DIGEST_BYTES) {
        return mig_fail(err, MIG_FORMAT, "digest of %zu bytes, expected %d", from->digest.len,
                        DIGEST_BYTES);
    }
    return mig_message_take_bytes("digest", from->digest, DIGEST_BYTES, &ret->digest, err);
}

static bool take_listed(const Mig__Wire__ContractListed *from, struct mig_message *m,
                        struct mig_error *err)
{
    if (from->n_entries > MIG_ENTRIES_ANSWERED_MAX) {
        return mig_fail(err, MIG_LIMIT, "more than %d entries", MIG_ENTRIES_ANSWERED_MAX);
    }
    if (from->more && from->n_entries == 0) {
        return mig_fail(err, MIG_FORMAT, "no entries, but more");
    }
    m->more = from->more;
    m->entries = mig_alloc(from->n_entries, sizeof *m->entries);
    for (size_t i = 0; i < from->n_entries; i++) {
        if (!take_entry(from->entries[i], &m->entries[m->entries_len++], err)) {
            return false;
        }
    }
    return true;
}

bool mig_message_has_contract(const struct Mig__Wire__Frame *frame)
{
    return (int)frame->body_case >= MIG__WIRE__FRAME__BODY_CONTRACT_PUT &&
           (int)frame->body_case <= MIG__WIRE__FRAME__BODY_CONTRACT_FORGOTTEN;
}

bool mig_message_take_contract(const struct Mig__Wire__Frame *frame, struct mig_message *m,
                               struct mig_error *err)
{
    switch ((int)frame->body_case) {
    case MIG__WIRE__FRAME__BODY_CONTRACT_PUT:
        m->kind = MIG_MESSAGE_CONTRACT_PUT;
        return mig_message_take_bytes("contract", frame->contract_put->contract, CONTRACT_MAX,
                                      &m->contract, err);
    case MIG__WIRE__FRAME__BODY_CONTRACT_HELD:
        m->kind = MIG_MESSAGE_CONTRACT_HELD;
        return mig_message_take_bytes("sealed", frame->contract_held->sealed, MIG_FRAME_MAX,
                                      &m->sealed, err) &&
               take_standing(frame->contract_held->standing, true, &m->standing, err);
    case MIG__WIRE__FRAME__BODY_CONTRACT_GET:
        m->kind = MIG_MESSAGE_CONTRACT_GET;
        return mig_message_take_guest(frame->contract_get->vm, frame->contract_get->instance, m,
                                      err);
    case MIG__WIRE__FRAME__BODY_CONTRACT_LIST:
        m->kind = MIG_MESSAGE_CONTRACT_LIST;
        return take_list(frame->contract_list, m, err);
    case MIG__WIRE__FRAME__BODY_CONTRACT_LISTED:
        m->kind = MIG_MESSAGE_CONTRACT_LISTED;
        return take_listed(frame->contract_listed, m, err);
    case MIG__WIRE__FRAME__BODY_CONTRACT_FORGET:
        m->kind = MIG_MESSAGE_CONTRACT_FORGET;
        return mig_message_take_guest(frame->contract_forget->vm, frame->contract_forget->instance,
                                      m, err);
    case MIG__WIRE__FRAME__BODY_CONTRACT_FORGOTTEN:
    default:
        m->kind = MIG_MESSAGE_CONTRACT_FORGOTTEN;
        return true;
    }
}

void mig_message_clear_contract(struct mig_message *m)
{
    mig_bytes_clear(&m->contract);
    mig_free(m->vm);
    mig_free(m->instance);
    for (size_t i = 0; i < m->entries_len; i++) {
        struct mig_contract_entry *e = &m->entries[i];

        mig_free(e->vm);
        mig_free(e->instance);
        mig_free(e->recorder);
        mig_free(e->holder);
        mig_free(e->error);
        mig_bytes_clear(&e->digest);
    }
    mig_free(m->entries);
}
