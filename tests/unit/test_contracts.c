/* SPDX-License-Identifier: Apache-2.0 */
#include "support/check.h"

#include <stdio.h>
#include <unistd.h>

#include "agent/contracts.h"
#include "agent/credentials.h"
#include "agent/options.h"
#include "base/alloc.h"
#include "base/now.h"
#include "pact/store.h"
#include "seal/key.h"
#include "seal/seal.h"
#include "support/fleet.h"
#include "support/guest.h"

struct site {
    struct fleet *fleet;
    struct mig_credentials *creds;
    char *dir;
};

static struct site site_new(void)
{
    struct site site = {.fleet = fleet_new()};
    struct mig_agent_options o = {.ca = site.fleet->ca};
    struct mig_error err;

    fleet_issue(site.fleet, MIG_ROLE_AGENT, "alpha", 0, 0);
    o.cert = fleet_cert(site.fleet, "alpha");
    o.key = fleet_key_file(site.fleet, "alpha");
    check_done("creds", mig_credentials_load(&o, mig_now_unix(), &site.creds, &err), &err);
    mig_free(o.cert);
    mig_free(o.key);
    site.dir = fleet_path(site.fleet, "contracts");
    return site;
}

static void site_free(struct site *site)
{
    mig_credentials_free(site->creds);
    mig_free(site->dir);
    fleet_free(site->fleet);
}

/* What nobody vouches for yet. */
static struct mig_bytes unsigned_guest(const char *vm, const char *instance, const char *edits)
{
    MIG_AUTO(mig_contract_free) struct mig_contract *c = guest_small(edits);
    struct mig_bytes bytes = {0};

    mig_contract_record(c, "", 0);
    (void)snprintf(c->vm, sizeof c->vm, "%s", vm);
    (void)snprintf(c->instance, sizeof c->instance, "%s", instance);
    mig_contract_encode(c, &bytes);
    return bytes;
}

static bool ask_put(const struct site *site, const char *vm, const char *instance,
                    const char *edits, struct mig_message *ret, struct mig_error *err)
{
    MIG_AUTO(mig_message_clear)
    struct mig_message m = {.kind = MIG_MESSAGE_CONTRACT_PUT,
                            .contract = unsigned_guest(vm, instance, edits)};

    return mig_contracts_answer(site->dir, site->creds, &m, ret, err);
}

static void put(const struct site *site, const char *vm, const char *instance)
{
    MIG_AUTO(mig_message_clear) struct mig_message answer = {0};
    struct mig_error err;

    check_done(vm, ask_put(site, vm, instance, "avx2", &answer, &err), &err);
    check_number(vm, MIG_MESSAGE_CONTRACT_HELD, answer.kind);
    check_number(vm, MIG_STANDING_ACTIVE, answer.standing);
}

static bool ask_about(const struct site *site, enum mig_message_kind kind, const char *vm,
                      const char *instance, struct mig_message *ret, struct mig_error *err)
{
    MIG_AUTO(mig_message_clear)
    struct mig_message m = {.kind = kind, .vm = mig_strdup(vm), .instance = mig_strdup(instance)};

    return mig_contracts_answer(site->dir, site->creds, &m, ret, err);
}

CHECK_TEST(what_a_guest_was_shown_is_signed_kept_and_given)
{
    MIG_AUTO(mig_message_clear) struct mig_message answer = {0};
    MIG_AUTO(mig_payload_free) struct mig_payload *payload = NULL;
    MIG_AUTO(mig_contract_free) struct mig_contract *c = NULL;
    struct site site = site_new();
    struct mig_error err;

    put(&site, "web3", "7f3a");
    check_done("get", ask_about(&site, MIG_MESSAGE_CONTRACT_GET, "web3", "7f3a", &answer, &err),
               &err);
    check_done("open",
               mig_seal_open(site.creds->trust, MIG_PAYLOAD_CONTRACT, answer.sealed.items,
                             answer.sealed.len, &payload, &err),
               &err);
    check_done("decode", mig_contract_decode(payload, &c, &err), &err);
    check_text("recorder", "alpha", c->recorder);
    check_number("hops", 0, c->hops_len);
    check_true("now", c->recorded_at <= mig_now_unix() && c->recorded_at > mig_now_unix() - 60);
    site_free(&site);
}

CHECK_TEST(what_can_not_be_answered_is_an_error_by_name)
{
    static const struct {
        const char *label;
        enum mig_message_kind kind;
        const char *vm, *instance;
        enum mig_code code;
        const char *says;
    } cases[] = {
        {"no such VM",       MIG_MESSAGE_CONTRACT_GET,    "db",        "",  MIG_MISSING,
         "no contract of 'db' is stored"                                                       },
        {"another instance", MIG_MESSAGE_CONTRACT_GET,    "web3",      "2", MIG_STALE,
         "contract of another instance"                                                        },
        {"no such VM",       MIG_MESSAGE_CONTRACT_FORGET, "db",        "",  MIG_MISSING,
         "no contract of 'db' is stored"                                                       },
        {"another instance", MIG_MESSAGE_CONTRACT_FORGET, "web3",      "2", MIG_STALE,
         "contract of another instance"                                                        },
        {"no id",            MIG_MESSAGE_CONTRACT_GET,    "../../etc", "",  MIG_USAGE,   "vm: "},
    };
    struct site site = site_new();

    put(&site, "web3", "1");
    CHECK_EACH (k, cases) {
        MIG_AUTO(mig_message_clear) struct mig_message answer = {0};
        struct mig_error err = {0};

        check_true(k->label, !ask_about(&site, k->kind, k->vm, k->instance, &answer, &err));
        check_number(k->label, k->code, err.code);
        check_contains(k->label, k->says, err.msg);
    }
    site_free(&site);
}

CHECK_TEST(only_what_nobody_signed_is_put)
{
    MIG_AUTO(mig_contract_free) struct mig_contract *c = guest_small("avx2");
    MIG_AUTO(mig_message_clear) struct mig_message answer = {0};
    MIG_AUTO(mig_message_clear) struct mig_message m = {.kind = MIG_MESSAGE_CONTRACT_PUT};
    struct site site = site_new();
    struct mig_error err;

    mig_contract_encode(c, &m.contract);
    check_true("recorded", !mig_contracts_answer(site.dir, site.creds, &m, &answer, &err));
    check_contains("recorded", "says who recorded it", err.msg);
    m.contract.len /= 2;
    check_true("cut", !mig_contracts_answer(site.dir, site.creds, &m, &answer, &err));
    check_contains("cut", "contract: ", err.msg);
    put(&site, "web3", "1");
    check_true("otherwise", !ask_put(&site, "web3", "1", "", &answer, &err));
    check_number("otherwise", MIG_REFUSED, err.code);
    site_free(&site);
}

CHECK_TEST(a_long_list_comes_in_parts)
{
    enum { GUESTS = 300 };
    MIG_AUTO(mig_message_clear) struct mig_message first = {0};
    MIG_AUTO(mig_message_clear) struct mig_message second = {0};
    MIG_AUTO(mig_message_clear) struct mig_message rest = {.kind = MIG_MESSAGE_CONTRACT_LIST};
    MIG_AUTO(mig_message_clear) struct mig_message gone = {0};
    struct site site = site_new();
    struct mig_error err;

    for (int i = 0; i < GUESTS; i++) {
        MIG_AUTO(mig_free) char *vm = mig_strf("vm%03d", i);

        put(&site, vm, "1");
    }
    check_done("first", ask_about(&site, MIG_MESSAGE_CONTRACT_LIST, NULL, NULL, &first, &err),
               &err);
    check_number("first", MIG_ENTRIES_ANSWERED_MAX, first.entries_len);
    check_true("more", first.more);
    rest.vm = mig_strdup(first.entries[first.entries_len - 1].vm);
    rest.standing = first.entries[first.entries_len - 1].standing;
    check_done("second", mig_contracts_answer(site.dir, site.creds, &rest, &second, &err), &err);
    check_number("second", GUESTS - MIG_ENTRIES_ANSWERED_MAX, second.entries_len);
    check_true("no more", !second.more);
    check_text("next", "vm256", second.entries[0].vm);
    check_text("holder", "alpha", second.entries[0].holder);
    check_number("digest", 32, second.entries[0].digest.len);
    check_done("forget", ask_about(&site, MIG_MESSAGE_CONTRACT_FORGET, "vm256", "1", &gone, &err),
               &err);
    check_number("forgotten", MIG_MESSAGE_CONTRACT_FORGOTTEN, gone.kind);
    site_free(&site);
}

CHECK_TEST(only_root_and_our_own_user_change_contracts)
{
    static const struct {
        enum mig_message_kind kind;
        bool wanted, changes;
    } cases[] = {
        {MIG_MESSAGE_CONTRACT_PUT,    true,  true },
        {MIG_MESSAGE_CONTRACT_FORGET, true,  true },
        {MIG_MESSAGE_CONTRACT_GET,    true,  false},
        {MIG_MESSAGE_CONTRACT_LIST,   true,  false},
        {MIG_MESSAGE_CONTRACT_HELD,   false, false},
        {MIG_MESSAGE_CAPTURE,         false, false},
    };

    CHECK_EACH (k, cases) {
        struct mig_error err = {0};

        check_number("wanted", k->wanted, mig_contracts_wanted(k->kind));
        check_true("root", mig_contracts_check_user(k->kind, 0, &err));
        check_true("we", mig_contracts_check_user(k->kind, geteuid(), &err));
        check_number("others", !k->changes, mig_contracts_check_user(k->kind, geteuid() + 1, &err));
        check_contains("others", k->changes ? "may not change contracts" : "", err.msg);
    }
}

CHECK_MAIN(cmocka_unit_test(what_a_guest_was_shown_is_signed_kept_and_given),
           cmocka_unit_test(what_can_not_be_answered_is_an_error_by_name),
           cmocka_unit_test(only_what_nobody_signed_is_put),
           cmocka_unit_test(a_long_list_comes_in_parts),
           cmocka_unit_test(only_root_and_our_own_user_change_contracts))
