/* SPDX-License-Identifier: Apache-2.0 */
#include "contract_store.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "base/now.h"
#include "base/text.h"
#include "command.h"
#include "contract_sheet.h"
#include "pact/store.h"
#include "report_json.h"
#include "seal/key.h"
#include "seal/seal.h"
#include "session/ask.h"
#include "session/held.h"
#include "snapshot/builder.h"
#include "verb.h"

/* ---- the two places ---- */

/* A folder without the authorities would be a list of unverified files. */
static bool open_store(const struct command *c, struct mig_trust **ret_trust, struct mig_store *ret,
                       struct mig_error *err)
{
    if (!mig_gather_load_trust(&c->host.gather, ret_trust, err)) {
        return false;
    }
    if (*ret_trust == NULL) {
        return mig_fail(err, MIG_USAGE,
                        "--store: only the fleet's CA can say who signed what is in it: give --ca "
                        "or set ca in migctl.conf");
    }
    return mig_store_open(c->store, *ret_trust, ret, err);
}

static bool ask(const struct command *c, struct mig_message *m, enum mig_message_kind expected,
                struct mig_message *ret, struct mig_error *err)
{
    return mig_ask(&c->host.gather, c->agent, m, expected, ret, err);
}

bool contract_is_stored(const struct command *c, const char *word)
{
    return (c->agent != NULL || c->store != NULL) && strcmp(word, "-") != 0 &&
           mig_contract_id_is_valid(word) && access(word, F_OK) != 0;
}

static bool fetch(const struct command *c, const struct mig_trust *trust, const char *vm,
                  struct mig_bytes *ret, struct mig_error *err)
{
    struct mig_held held;
    MIG_AUTO(mig_stored_clear) struct mig_stored found = {0};
    MIG_AUTO(mig_store_close) struct mig_store store = {0};

    if (c->store != NULL) {
        if (!mig_store_open(c->store, trust, &store, err) ||
            !mig_store_find(&store, vm, c->instance, &found, err)) {
            return false;
        }
        *ret = found.sealed;
        found.sealed = (struct mig_bytes){0};
        return true;
    }
    if (!mig_held_get(&c->host.gather, c->agent, vm, c->instance, &held, err)) {
        return false;
    }
    *ret = held.sealed;
    return true;
}

/* An agent's word is good for what it signed, not for which guest it gives. */
static bool check_answer(const struct mig_contract *c, const char *vm, const char *instance,
                         struct mig_error *err)
{
    return (strcmp(c->vm, vm) == 0 && (instance == NULL || strcmp(c->instance, instance) == 0)) ||
           mig_fail(err, MIG_TRUST, "%s: answered with the contract of '%s', instance '%s'", vm,
                    c->vm, c->instance);
}

bool contract_read_stored(const struct command *c, const char *vm, struct mig_contract_file *ret,
                          struct mig_error *err)
{
    MIG_AUTO(mig_trust_free) struct mig_trust *trust = NULL;
    MIG_AUTO(mig_bytes_clear) struct mig_bytes sealed = {0};
    bool good;

    *ret = (struct mig_contract_file){.age_s = -1};
    good = mig_gather_load_trust(&c->host.gather, &trust, err);
    if (good && trust == NULL) {
        good = mig_fail(err, MIG_USAGE,
                        "there is no such file, and a VM needs --ca, here or in "
                        "migctl.conf");
    }
    if (!good || !fetch(c, trust, vm, &sealed, err)) {
        ret->refusal = mig_evidence_refusal_of(err->code);
        (void)mig_wrap(err, "%s", vm);
        ret->error = *err;
        return false;
    }
    if (!mig_contract_file_open(trust, vm, &sealed, mig_now_unix(), ret, err)) {
        return false;
    }
    if (!check_answer(ret->contract, vm, c->instance, err)) {
        mig_contract_file_clear(ret);
        ret->refusal = "trust/unverified";
        ret->error = *err;
        return false;
    }
    return true;
}

/* ---- record ---- */

static bool find_source(const struct command *c, enum contract_source_id *ret,
                        struct mig_error *err)
{
    MIG_AUTO(mig_free) char *options = contract_source_options();
    unsigned given = 0;

    for (int i = 0; i < CONTRACT_SOURCE_COUNT; i++) {
        if (c->sources[i] != NULL) {
            *ret = (enum contract_source_id)i;
            given++;
        }
    }
    return given == 1 || mig_fail(err, MIG_USAGE, "contract record: expected one of %s", options);
}

static bool take_id(const char *option, const char *from, char ret[MIG_VM_ID_MAX],
                    struct mig_error *err)
{
    if (!mig_contract_id_is_valid(from)) {
        return mig_fail(err, MIG_USAGE,
                        "--%s: expected 1 to %d printable characters without space and slash",
                        option, MIG_VM_ID_MAX - 1);
    }
    (void)snprintf(ret, MIG_VM_ID_MAX, "%s", from);
    return true;
}

/* A random UUID: this power-on and no other. */
static void make_instance(char ret[MIG_VM_ID_MAX])
{
    unsigned char b[16];
    char digits[33];

    mig_random(b, sizeof b);
    b[6] = (unsigned char)((b[6] & 0x0f) | 0x40);
    b[8] = (unsigned char)((b[8] & 0x3f) | 0x80);
    mig_text_hex(b, sizeof b, digits);
    (void)snprintf(ret, MIG_VM_ID_MAX, "%.8s-%.4s-%.4s-%.4s-%.12s", digits, digits + 8, digits + 12,
                   digits + 16, digits + 20);
}

static bool name_guest(const struct command *c, struct mig_contract *contract,
                       struct mig_error *err)
{
    if (contract->vm[0] == '\0') {
        return mig_fail(err, MIG_USAGE, "contract record: --vm is needed, the source does not say");
    }
    if (c->instance != NULL && contract->instance[0] != '\0' &&
        strcmp(c->instance, contract->instance) != 0) {
        return mig_fail(err, MIG_USAGE, "--instance: the source says '%s'", contract->instance);
    }
    if (c->instance != NULL) {
        return take_id("instance", c->instance, contract->instance, err);
    }
    if (contract->instance[0] == '\0') {
        make_instance(contract->instance);
    }
    return true;
}

/* What the operator knows beside the source. */
static bool add_listings(const struct command *c, struct mig_contract *contract,
                         struct mig_error *err)
{
    MIG_AUTO(mig_builder_free) struct mig_builder *b = mig_builder_from(contract->shown);
    struct mig_snapshot *shown = NULL;

    for (int i = 0; i < MIG_LISTING_COUNT; i++) {
        if (c->listings[i] != NULL) {
            mig_builder_add_fact(b, mig_listing_name((enum mig_listing)i), c->listings[i],
                                 "operator");
        }
    }
    if (!mig_builder_freeze(b, &shown, err)) {
        err->code = MIG_USAGE;
        return mig_wrap(err, "contract record");
    }
    mig_snapshot_free(contract->shown);
    contract->shown = shown;
    return true;
}

static bool fill(const struct command *c, struct mig_contract *contract, struct mig_error *err)
{
    enum contract_source_id id = CONTRACT_SOURCE_COUNT;

    if (!find_source(c, &id, err) || (c->vm != NULL && !take_id("vm", c->vm, contract->vm, err)) ||
        !contract_source_get(id)->fill(c->sources[id], contract, err) ||
        !add_listings(c, contract, err) || !name_guest(c, contract, err)) {
        return false;
    }
    contract->shown->stamp =
        (struct mig_stamp){.table_version = contract->shown->stamp.table_version};
    return mig_contract_check_unsigned(contract, err);
}

/* The agent is not asked: we are who signs for this host. */
static bool put_store(const struct command *c, struct mig_contract *contract, struct mig_bytes *ret,
                      struct mig_error *err)
{
    const char *cert = c->host.gather.tls.cert, *file = c->host.gather.tls.key;
    MIG_AUTO(mig_trust_free) struct mig_trust *trust = NULL;
    MIG_AUTO(mig_store_close) struct mig_store store = {0};
    MIG_AUTO(mig_bytes_clear) struct mig_bytes sealed = {0};
    MIG_AUTO(mig_key_free) struct mig_key *key = NULL;
    MIG_AUTO(mig_stored_clear) struct mig_stored found = {0};

    if (!open_store(c, &trust, &store, err)) {
        return false;
    }
    if (cert == NULL || file == NULL) {
        return mig_fail(err, MIG_USAGE, "--store: --cert and --key of this host's agent sign");
    }
    if (!mig_key_load(cert, file, &key, err)) {
        return false;
    }
    mig_contract_record(contract, mig_key_identity(key)->name, mig_now_unix());
    if (!mig_contract_seal(contract, key, &sealed, err) ||
        !mig_store_put(&store, MIG_STORE_ACTIVE, sealed.items, sealed.len, err) ||
        !mig_store_find(&store, contract->vm, contract->instance, &found, err)) {
        return false;
    }
    *ret = found.sealed;
    found.sealed = (struct mig_bytes){0};
    return true;
}

static bool put_agent(const struct command *c, const struct mig_contract *contract,
                      struct mig_bytes *ret, struct mig_error *err)
{
    struct mig_held held;

    if (!mig_held_put(&c->host.gather, c->agent, contract, &held, err)) {
        return false;
    }
    *ret = held.sealed;
    return true;
}

/* What now stands, opened as anybody would open it. */
static bool put(const struct command *c, struct mig_contract *contract,
                struct mig_contract_file *ret, struct mig_error *err)
{
    MIG_AUTO(mig_trust_free) struct mig_trust *trust = NULL;
    MIG_AUTO(mig_bytes_clear) struct mig_bytes sealed = {0};

    return (c->store != NULL ? put_store(c, contract, &sealed, err)
                             : put_agent(c, contract, &sealed, err)) &&
           mig_gather_load_trust(&c->host.gather, &trust, err) &&
           mig_contract_file_open(trust, contract->vm, &sealed, mig_now_unix(), ret, err) &&
           check_answer(ret->contract, contract->vm, contract->instance, err);
}

int contract_record(struct command *c)
{
    MIG_AUTO(mig_contract_free) struct mig_contract *contract = MIG_NEW(struct mig_contract);
    MIG_AUTO(mig_contract_file_clear) struct mig_contract_file f = {0};
    const struct mig_report r = command_report(c, false);
    struct mig_error err;

    if (!fill(c, contract, &err) || !put(c, contract, &f, &err)) {
        return verb_fail(&err);
    }
    if (c->host.quiet) {
        return 0;
    }
    if (c->json) {
        MIG_AUTO(mig_free) char *json = mig_contract_to_json(f.contract);

        command_print(c, json_loads(json, JSON_REJECT_DUPLICATES, NULL));
        return 0;
    }
    (void)printf("recorded and signed by agent '%s'\n\n", mig_contract_holder(f.contract));
    contract_sheet_identity(&r, &f);
    return 0;
}

/* ---- list ---- */

static void copy(char *ret, size_t size, const char *from)
{
    (void)snprintf(ret, size, "%s", from != NULL ? from : "");
}

static void add_entry(const struct mig_contract_entry *from, struct mig_store_list *list)
{
    struct mig_store_entry *e = MIG_PUSH(list);

    copy(e->vm, sizeof e->vm, from->vm);
    copy(e->instance, sizeof e->instance, from->instance);
    copy(e->recorder, sizeof e->recorder, from->recorder);
    copy(e->holder, sizeof e->holder, from->holder);
    e->state = (enum mig_store_state)(from->standing - 1);
    e->recorded_at = (int64_t)from->recorded_at;
    e->hops = from->hops;
    if (from->digest.len == sizeof e->digest) {
        memcpy(e->digest, from->digest.items, sizeof e->digest);
    } else {
        (void)mig_fail(&e->error, MIG_TRUST, "%s", from->error);
    }
}

static bool list_agent(const struct command *c, struct mig_store_list *ret, struct mig_error *err)
{
    bool more = true;

    while (more) {
        MIG_AUTO(mig_message_clear) struct mig_message m = {.kind = MIG_MESSAGE_CONTRACT_LIST};
        MIG_AUTO(mig_message_clear) struct mig_message answer = {0};

        if (ret->len > 0) {
            const struct mig_store_entry *last = &ret->items[ret->len - 1];

            m.vm = mig_strdup(last->vm);
            m.standing = (enum mig_standing)(last->state + 1);
        }
        if (!ask(c, &m, MIG_MESSAGE_CONTRACT_LISTED, &answer, err)) {
            return false;
        }
        for (size_t i = 0; i < answer.entries_len; i++) {
            add_entry(&answer.entries[i], ret);
        }
        if (ret->len > (size_t)MIG_STORE_MAX * MIG_STORE_STATE_COUNT) {
            return mig_fail(err, MIG_LIMIT, "%s: its list does not end", c->agent);
        }
        more = answer.more;
    }
    return true;
}

static json_t *digest(const struct mig_store_entry *e)
{
    char digits[2 * MIG_DIGEST_BYTES + 1];

    mig_text_hex(e->digest, MIG_DIGEST_BYTES, digits);
    return json_string(digits);
}

static json_t *entry_to_json(const struct mig_store_entry *e, int64_t now)
{
    json_t *object = json_object();
    bool good = e->error.code == MIG_OK;
    int64_t age = now > e->recorded_at ? now - e->recorded_at : 0;

    (void)json_object_set_new(object, "vm", json_string(e->vm));
    (void)json_object_set_new(object, "state", json_string(mig_store_state_name(e->state)));
    (void)json_object_set_new(object, "instance", good ? json_string(e->instance) : json_null());
    (void)json_object_set_new(object, "recorder", good ? json_string(e->recorder) : json_null());
    (void)json_object_set_new(object, "holder", good ? json_string(e->holder) : json_null());
    (void)json_object_set_new(object, "recordedAt",
                              good ? json_integer(e->recorded_at) : json_null());
    (void)json_object_set_new(object, "age", good ? json_integer(age) : json_null());
    (void)json_object_set_new(object, "hops",
                              good ? json_integer((json_int_t)e->hops) : json_null());
    (void)json_object_set_new(object, "digest", good ? digest(e) : json_null());
    (void)json_object_set_new(object, "verified", json_boolean(good));
    (void)json_object_set_new(object, "error", good ? json_null() : json_string(e->error.msg));
    return object;
}

static json_t *list_to_json(const struct mig_store_list *list, int64_t now)
{
    json_t *object = report_json_head("ContractList"), *contracts = json_array();

    for (size_t i = 0; i < list->len; i++) {
        (void)json_array_append_new(contracts, entry_to_json(&list->items[i], now));
    }
    (void)json_object_set_new(object, "contracts", contracts);
    return object;
}

static bool gather(const struct command *c, struct mig_store_list *ret, struct mig_error *err)
{
    MIG_AUTO(mig_trust_free) struct mig_trust *trust = NULL;
    MIG_AUTO(mig_store_close) struct mig_store store = {0};

    if (c->store == NULL) {
        return list_agent(c, ret, err);
    }
    return open_store(c, &trust, &store, err) && mig_store_list(&store, ret, err);
}

/* One that can not be used is news for whoever lists: the status says so. */
static int status_of(const struct mig_store_list *list)
{
    for (size_t i = 0; i < list->len; i++) {
        if (list->items[i].error.code != MIG_OK) {
            return mig_error_exit_status(MIG_TRUST);
        }
    }
    return 0;
}

int contract_list(struct command *c)
{
    MIG_AUTO(mig_store_list_clear) struct mig_store_list list = {0};
    const struct mig_report r = command_report(c, false);
    struct mig_error err;

    if (!gather(c, &list, &err)) {
        return verb_fail(&err);
    }
    if (c->json && !c->host.quiet) {
        command_print(c, list_to_json(&list, mig_now_unix()));
    } else if (!c->host.quiet) {
        contract_sheet_list(&r, &list, mig_now_unix());
    }
    return status_of(&list);
}

/* ---- forget ---- */

static bool forget(const struct command *c, const char *vm, struct mig_error *err)
{
    MIG_AUTO(mig_message_clear) struct mig_message m = {.kind = MIG_MESSAGE_CONTRACT_FORGET};
    MIG_AUTO(mig_message_clear) struct mig_message answer = {0};
    MIG_AUTO(mig_trust_free) struct mig_trust *trust = NULL;
    MIG_AUTO(mig_store_close) struct mig_store store = {0};

    if (c->store != NULL) {
        return open_store(c, &trust, &store, err) && mig_store_forget(&store, vm, c->instance, err);
    }
    m.vm = mig_strdup(vm);
    m.instance = mig_strdup(c->instance);
    return ask(c, &m, MIG_MESSAGE_CONTRACT_FORGOTTEN, &answer, err);
}

int contract_forget(struct command *c)
{
    const char *vm = c->words.operands[0];
    struct mig_error err;

    if (!mig_contract_id_is_valid(vm)) {
        (void)mig_fail(&err, MIG_USAGE, "usage: migctl contract forget [options] VM");
        return verb_fail(&err);
    }
    if (!forget(c, vm, &err)) {
        return verb_fail(&err);
    }
    if (!c->host.quiet) {
        (void)printf("%s: forgotten\n", vm);
    }
    return 0;
}
