/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/contracts.h"

#include <assert.h>
#include <string.h>
#include <unistd.h>

#include "agent/credentials.h"
#include "agent/jobs.h"
#include "base/alloc.h"
#include "base/now.h"
#include "pact/store.h"

/* Enough for one that waits for the disk not to hold up all others. */
#define CONTRACTS_MAX 4
/* The longest is a list: it verifies each contract that is stored. */
#define ANSWER_MS 20000

/* Both enums say the same, one in memory, one for ever. */
static_assert((int)MIG_STANDING_ACTIVE == (int)MIG_STORE_ACTIVE + 1, "one for one");
static_assert((int)MIG_STANDING_INCOMING == (int)MIG_STORE_INCOMING + 1, "one for one");
static_assert((int)MIG_STANDING_RETIRED == (int)MIG_STORE_RETIRED + 1, "one for one");
static_assert((int)MIG_STANDING_COUNT == (int)MIG_STORE_STATE_COUNT + 1, "one for one");

static enum mig_standing standing_of(enum mig_store_state state)
{
    return (enum mig_standing)(state + 1);
}

bool mig_contracts_wanted(enum mig_message_kind kind)
{
    return kind == MIG_MESSAGE_CONTRACT_PUT || kind == MIG_MESSAGE_CONTRACT_GET ||
           kind == MIG_MESSAGE_CONTRACT_LIST || kind == MIG_MESSAGE_CONTRACT_FORGET;
}

/* What only this host's own may do; NULL: whoever has the role may ask. */
static const char *changes(enum mig_message_kind kind)
{
    switch ((int)kind) {
    case MIG_MESSAGE_CONTRACT_PUT:
    case MIG_MESSAGE_CONTRACT_FORGET:
        return "change contracts";
    case MIG_MESSAGE_AGREE:
    case MIG_MESSAGE_ADVANCE:
        return "move guests";
    default:
        return NULL;
    }
}

bool mig_contracts_check_user(enum mig_message_kind kind, uid_t uid, struct mig_error *err)
{
    return changes(kind) == NULL || uid == 0 || uid == geteuid() ||
           mig_fail(err, MIG_REFUSED, "user %ld may not %s, only root and user %ld", (long)uid,
                    changes(kind), (long)geteuid());
}

bool mig_contracts_subject(const struct mig_message *ask, char **ret, struct mig_error *err)
{
    MIG_AUTO(mig_contract_free) struct mig_contract *c = NULL;

    if (ask->kind != MIG_MESSAGE_CONTRACT_PUT) {
        *ret = mig_strdup(ask->vm);
        return true;
    }
    if (!mig_contract_decode_unsigned(ask->contract.items, ask->contract.len, &c, err)) {
        return false;
    }
    *ret = mig_strdup(c->vm);
    return true;
}

static bool give(const struct mig_store *store, const char *vm, const char *instance,
                 struct mig_message *ret, struct mig_error *err)
{
    MIG_AUTO(mig_stored_clear) struct mig_stored found = {0};

    if (!mig_store_find(store, vm, instance, &found, err)) {
        return false;
    }
    ret->kind = MIG_MESSAGE_CONTRACT_HELD;
    ret->standing = standing_of(found.state);
    ret->sealed = found.sealed;
    found.sealed = (struct mig_bytes){0};
    return true;
}

/* What stands afterwards is the answer: of an instance that came here from
 * elsewhere that is what was stored before. */
static bool put(const struct mig_store *store, const struct mig_credentials *creds,
                const struct mig_message *ask, struct mig_message *ret, struct mig_error *err)
{
    MIG_AUTO(mig_contract_free) struct mig_contract *c = NULL;
    MIG_AUTO(mig_bytes_clear) struct mig_bytes sealed = {0};

    if (!mig_contract_decode_unsigned(ask->contract.items, ask->contract.len, &c, err)) {
        return false;
    }
    mig_contract_record(c, creds->name, mig_now_unix());
    return mig_contract_seal(c, creds->key, &sealed, err) &&
           mig_store_put(store, MIG_STORE_ACTIVE, sealed.items, sealed.len, err) &&
           give(store, c->vm, c->instance, ret, err);
}

static void fill(const struct mig_store_entry *from, struct mig_contract_entry *ret)
{
    *ret = (struct mig_contract_entry){
        .vm = mig_strdup(from->vm),
        .standing = standing_of(from->state),
        .instance = mig_strdup(from->instance),
        .recorder = mig_strdup(from->recorder),
        .holder = mig_strdup(from->holder),
        .error = mig_strdup(from->error.msg),
        .recorded_at = (uint64_t)from->recorded_at,
        .hops = (uint32_t)from->hops,
    };
    if (from->error.code == MIG_OK) {
        ret->digest = mig_bytes_copy(from->digest, sizeof from->digest);
    }
}

static bool is_after(const struct mig_store_entry *e, const struct mig_message *ask)
{
    int order = ask->vm == NULL ? 1 : strcmp(e->vm, ask->vm);

    return order > 0 || (order == 0 && standing_of(e->state) > ask->standing);
}

static bool list(const struct mig_store *store, const struct mig_message *ask,
                 struct mig_message *ret, struct mig_error *err)
{
    MIG_AUTO(mig_store_list_clear) struct mig_store_list found = {0};

    if (!mig_store_list(store, &found, err)) {
        return false;
    }
    ret->kind = MIG_MESSAGE_CONTRACT_LISTED;
    ret->entries = mig_alloc(MIG_ENTRIES_ANSWERED_MAX, sizeof *ret->entries);
    for (size_t i = 0; i < found.len && !ret->more; i++) {
        if (!is_after(&found.items[i], ask)) {
            continue;
        }
        ret->more = ret->entries_len == MIG_ENTRIES_ANSWERED_MAX;
        if (!ret->more) {
            fill(&found.items[i], &ret->entries[ret->entries_len++]);
        }
    }
    return true;
}

static bool act(const struct mig_store *store, const struct mig_credentials *creds,
                const struct mig_message *ask, struct mig_message *ret, struct mig_error *err)
{
    switch ((int)ask->kind) { /* mig_contracts_wanted() */
    case MIG_MESSAGE_CONTRACT_PUT:
        return put(store, creds, ask, ret, err);
    case MIG_MESSAGE_CONTRACT_GET:
        return give(store, ask->vm, ask->instance, ret, err);
    case MIG_MESSAGE_CONTRACT_LIST:
        return list(store, ask, ret, err);
    case MIG_MESSAGE_CONTRACT_FORGET:
    default:
        ret->kind = MIG_MESSAGE_CONTRACT_FORGOTTEN;
        return mig_store_forget(store, ask->vm, ask->instance, err);
    }
}

bool mig_contracts_answer(const char *dir, const struct mig_credentials *creds,
                          const struct mig_message *ask, struct mig_message *ret,
                          struct mig_error *err)
{
    MIG_AUTO(mig_store_close) struct mig_store store = {0};

    return mig_store_open(dir, creds->trust, &store, err) && act(&store, creds, ask, ret, err);
}

/* ---- in processes of their own ---- */

struct mig_contracts {
    const char *dir;
    struct mig_jobs *jobs;
};

/* What a child works on, and who asked for it. */
struct ask {
    const char *dir;
    struct mig_credentials *creds;
    struct mig_bytes message;
    mig_contracts_fn *fn;
    void *data;
};

struct mig_contracts *mig_contracts_new(struct mig_loop *loop, const char *dir)
{
    static const struct mig_child_kind kind = {.name = "contract", .writes = true};
    struct mig_contracts *c = MIG_NEW(struct mig_contracts);

    c->dir = dir;
    c->jobs = mig_jobs_new(loop, &kind, CONTRACTS_MAX);
    return c;
}

void mig_contracts_free(struct mig_contracts *c)
{
    if (c == NULL) {
        return;
    }
    mig_jobs_free(c->jobs);
    mig_free(c);
}

/* A mig_child_fn for a struct ask. */
static bool work(const void *data, struct mig_bytes *ret, struct mig_error *err)
{
    const struct ask *a = data;
    MIG_AUTO(mig_message_clear) struct mig_message ask = {0};
    MIG_AUTO(mig_message_clear) struct mig_message answer = {0};

    if (!mig_message_decode(a->message.items, a->message.len, &ask, err) ||
        !mig_contracts_answer(a->dir, a->creds, &ask, &answer, err)) {
        return false;
    }
    mig_message_encode(&answer, ret);
    return true;
}

static void on_done(const struct mig_bytes *bytes, const struct mig_error *failure, void *data)
{
    struct ask *a = data;
    MIG_AUTO(mig_message_clear) struct mig_message answer = {0};
    struct mig_error err = *failure;
    bool good = bytes != NULL && mig_message_decode(bytes->items, bytes->len, &answer, &err);

    a->fn(good ? &answer : NULL, &err, a->data);
    mig_credentials_free(a->creds);
    mig_bytes_clear(&a->message);
    mig_free(a);
}

void mig_contracts_ask(struct mig_contracts *c, struct mig_credentials *creds,
                       const struct mig_message *ask, mig_contracts_fn *fn, void *data)
{
    struct ask *a = MIG_NEW(struct ask);

    *a = (struct ask){.dir = c->dir, .creds = mig_credentials_ref(creds), .fn = fn, .data = data};
    mig_message_encode(ask, &a->message);
    mig_jobs_add(c->jobs, &(struct mig_job){.fn = work,
                                            .work = a,
                                            .timeout_ms = ANSWER_MS,
                                            .done = on_done,
                                            .data = a,
                                            .asker = data});
}

void mig_contracts_withdraw(struct mig_contracts *c, const void *data)
{
    mig_jobs_withdraw(c->jobs, data);
}
