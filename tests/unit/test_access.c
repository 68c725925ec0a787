/* SPDX-License-Identifier: Apache-2.0 */
#include "support/check.h"

#include "agent/access.h"

/* Every request, every role, both ways in: y is yes, n is no.
 * Columns: AGENT, NEGOTIATOR, OPERATOR, HOOK. */
CHECK_TEST(each_role_may_ask_for_what_the_matrix_says_and_nothing_else)
{
    static const enum mig_role roles[] = {MIG_ROLE_AGENT, MIG_ROLE_NEGOTIATOR, MIG_ROLE_OPERATOR,
                                          MIG_ROLE_HOOK};
    static const struct {
        const char *label;
        enum mig_message_kind kind;
        bool local;
        const char *may;
    } cases[] = {
        {"capture from afar",   MIG_MESSAGE_CAPTURE,            false, "yyyn"},
        {"capture from here",   MIG_MESSAGE_CAPTURE,            true,  "yyyy"},
        {"exchange from afar",  MIG_MESSAGE_EXCHANGE,           false, "nyyn"},
        {"exchange from here",  MIG_MESSAGE_EXCHANGE,           true,  "nyyy"},
        {"captured from afar",  MIG_MESSAGE_CAPTURED,           false, "nnnn"},
        {"captured from here",  MIG_MESSAGE_CAPTURED,           true,  "nnnn"},
        {"exchanged from afar", MIG_MESSAGE_EXCHANGED,          false, "nnnn"},
        {"exchanged from here", MIG_MESSAGE_EXCHANGED,          true,  "nnnn"},
        {"error from afar",     MIG_MESSAGE_ERROR,              false, "nnnn"},
        {"error from here",     MIG_MESSAGE_ERROR,              true,  "nnnn"},
        {"prove from afar",     MIG_MESSAGE_PROVE,              false, "nyyn"},
        {"prove from here",     MIG_MESSAGE_PROVE,              true,  "nyyn"},
        {"proved from afar",    MIG_MESSAGE_PROVED,             false, "nnnn"},
        {"proved from here",    MIG_MESSAGE_PROVED,             true,  "nnnn"},
        {"put from afar",       MIG_MESSAGE_CONTRACT_PUT,       false, "nnnn"},
        {"put from here",       MIG_MESSAGE_CONTRACT_PUT,       true,  "nnyy"},
        {"held from afar",      MIG_MESSAGE_CONTRACT_HELD,      false, "nnnn"},
        {"held from here",      MIG_MESSAGE_CONTRACT_HELD,      true,  "nnnn"},
        {"get from afar",       MIG_MESSAGE_CONTRACT_GET,       false, "nyyn"},
        {"get from here",       MIG_MESSAGE_CONTRACT_GET,       true,  "nyyy"},
        {"list from afar",      MIG_MESSAGE_CONTRACT_LIST,      false, "nyyn"},
        {"list from here",      MIG_MESSAGE_CONTRACT_LIST,      true,  "nyyy"},
        {"listed from afar",    MIG_MESSAGE_CONTRACT_LISTED,    false, "nnnn"},
        {"listed from here",    MIG_MESSAGE_CONTRACT_LISTED,    true,  "nnnn"},
        {"forget from afar",    MIG_MESSAGE_CONTRACT_FORGET,    false, "nnnn"},
        {"forget from here",    MIG_MESSAGE_CONTRACT_FORGET,    true,  "nnyy"},
        {"forgotten from afar", MIG_MESSAGE_CONTRACT_FORGOTTEN, false, "nnnn"},
        {"forgotten from here", MIG_MESSAGE_CONTRACT_FORGOTTEN, true,  "nnnn"},
        {"agree from afar",     MIG_MESSAGE_AGREE,              false, "nnnn"},
        {"agree from here",     MIG_MESSAGE_AGREE,              true,  "nnny"},
        {"agreed from afar",    MIG_MESSAGE_AGREED,             false, "nnnn"},
        {"agreed from here",    MIG_MESSAGE_AGREED,             true,  "nnnn"},
        {"propose from afar",   MIG_MESSAGE_PROPOSE,            false, "ynnn"},
        {"propose from here",   MIG_MESSAGE_PROPOSE,            true,  "ynnn"},
        {"accepted from afar",  MIG_MESSAGE_ACCEPTED,           false, "nnnn"},
        {"accepted from here",  MIG_MESSAGE_ACCEPTED,           true,  "nnnn"},
        {"advance from afar",   MIG_MESSAGE_ADVANCE,            false, "nnny"},
        {"advance from here",   MIG_MESSAGE_ADVANCE,            true,  "nnny"},
        {"advanced from afar",  MIG_MESSAGE_ADVANCED,           false, "nnnn"},
        {"advanced from here",  MIG_MESSAGE_ADVANCED,           true,  "nnnn"},
    };

    check_number("all requests", 2 * MIG_MESSAGE_KIND_COUNT, sizeof cases / sizeof *cases);
    check_number("all roles", MIG_ROLE_COUNT, sizeof roles / sizeof *roles);
    CHECK_EACH (c, cases) {
        for (size_t i = 0; i < MIG_ROLE_COUNT; i++) {
            struct mig_error err = {0};
            bool may = mig_access_check(c->kind, roles[i], c->local, &err);

            check_number(c->label, c->may[i] == 'y', may);
            check_number(c->label, may ? MIG_OK : MIG_REFUSED, err.code);
        }
    }
}

CHECK_TEST(a_refusal_says_who_may_not_do_what)
{
    static const struct {
        const char *label;
        enum mig_message_kind kind;
        enum mig_role role;
        const char *expected;
    } cases[] = {
        {"local only", MIG_MESSAGE_CAPTURE,  MIG_ROLE_HOOK,
         "role 'hook' may ask for 'capture' over a unix socket only"                                     },
        {"never",      MIG_MESSAGE_EXCHANGE, MIG_ROLE_AGENT,    "role 'agent' may not ask for 'exchange'"},
        {"no request", MIG_MESSAGE_CAPTURED, MIG_ROLE_OPERATOR,
         "role 'operator' may not ask for 'captured'"                                                    },
    };

    CHECK_EACH (c, cases) {
        struct mig_error err;

        check_true(c->label, !mig_access_check(c->kind, c->role, false, &err));
        check_text(c->label, c->expected, err.msg);
    }
}

CHECK_MAIN(cmocka_unit_test(each_role_may_ask_for_what_the_matrix_says_and_nothing_else),
           cmocka_unit_test(a_refusal_says_who_may_not_do_what))
