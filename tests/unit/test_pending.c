/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/pending.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/now.h"
#include "support/check.h"

#define UUID "6c1e9f2a-0000-4000-8000-000000000001"
#define OTHER "6c1e9f2a-0000-4000-8000-000000000002"

CHECK_TEST(a_mark_is_of_one_vm_and_for_some_minutes)
{
    char top[] = "/tmp/mig-pending.XXXXXX";
    MIG_AUTO(mig_free) char *dir = NULL, *file = NULL;
    int64_t now = mig_now_unix();
    struct mig_error err;

    check_true("folder", mkdtemp(top) != NULL);
    dir = mig_strf("%s/deep/pending", top);
    check_true("nothing", !mig_pending_is_set(dir, UUID, now) && !mig_pending_any(dir, now));
    check_done("set", mig_pending_set(dir, UUID, "7f3a", &err), &err);
    check_done("again", mig_pending_set(dir, UUID, "7f3b", &err), &err);
    check_true("set", mig_pending_is_set(dir, UUID, now) && mig_pending_any(dir, now));
    check_true("another", !mig_pending_is_set(dir, OTHER, now));
    check_true("old", !mig_pending_is_set(dir, UUID, now + MIG_PENDING_S + 60));
    check_true("old", !mig_pending_any(dir, now + MIG_PENDING_S + 60));
    mig_pending_remove(dir, OTHER);
    check_true("kept", mig_pending_is_set(dir, UUID, now));
    mig_pending_remove(dir, UUID);
    check_true("removed", !mig_pending_is_set(dir, UUID, now) && !mig_pending_any(dir, now));
    (void)rmdir(dir);
    file = mig_strf("%s/deep", top);
    (void)rmdir(file);
    (void)rmdir(top);
}

CHECK_TEST(what_is_no_uuid_names_no_file)
{
    static const char *const bad[] = {
        "",      ".", "../../../../etc/passwd", "web3", "6c1e9f2a-0000-4000-8000-00000000000/",
        UUID "0"};
    struct mig_error err;

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        check_true(bad[i], !mig_pending_set("/nonexistent", bad[i], "7f3a", &err));
        check_contains(bad[i], "expected a UUID", err.msg);
        check_true(bad[i], !mig_pending_is_set("/tmp", bad[i], 0));
        mig_pending_remove("/tmp", bad[i]);
    }
}

CHECK_MAIN(cmocka_unit_test(a_mark_is_of_one_vm_and_for_some_minutes),
           cmocka_unit_test(what_is_no_uuid_names_no_file))
