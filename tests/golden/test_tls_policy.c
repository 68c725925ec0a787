/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/tls.h"

#include "support/check.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/file.h"
#include "support/party.h"

/* A change of the policy is a change of this file, seen in review.  It shows
 * what the context really enforces wherever OpenSSL lets us ask. */
CHECK_TEST(the_TLS_policy_is_the_reviewed_one)
{
    MIG_AUTO(mig_free) char *path = check_source_path("tests/golden/tls-policy.txt");
    MIG_AUTO(mig_bytes_clear) struct mig_bytes golden = {0};
    struct fleet *fleet = fleet_new();
    struct mig_error err;
    struct mig_tls *tls;
    char *policy;

    fleet_issue(fleet, MIG_ROLE_AGENT, "alpha", 0, 0);
    tls = party_tls(fleet, "alpha", NULL, NULL);
    policy = mig_tls_describe(tls);
    if (getenv("MIG_GOLDEN_UPDATE") != NULL) {
        check_done(path, mig_file_write(path, policy, strlen(policy), 0644, &err), &err);
    }
    check_done(path, mig_file_read(path, 65536, &golden, &err), &err);
    check_text(path, (const char *)golden.items, policy);
    mig_free(policy);
    mig_tls_free(tls);
    fleet_free(fleet);
}

CHECK_MAIN(cmocka_unit_test(the_TLS_policy_is_the_reviewed_one))
