/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/libvirt_event.h"

#include <string.h>

#include "base/array.h"
#include "support/check.h"

/* Every operation of libvirt's hook for QEMU with every sub-operation. */
CHECK_TEST(four_moments_are_acted_on_and_no_other)
{
    static const char *const operations[] = {"prepare", "start",   "started", "stopped",
                                             "release", "migrate", "restore", "reconnect",
                                             "attach",  "",        "Migrate", "migrate "};
    static const char *const subs[] = {"begin", "end", "-", ""};
    static const struct {
        const char *operation;
        enum mig_libvirt_event event;
    } acted[] = {
        {"migrate", MIG_LIBVIRT_ADMIT  },
        {"start",   MIG_LIBVIRT_START  },
        {"started", MIG_LIBVIRT_STARTED},
        {"restore", MIG_LIBVIRT_RESTORE},
    };

    for (size_t i = 0; i < MIG_COUNT(operations); i++) {
        for (size_t j = 0; j < MIG_COUNT(subs); j++) {
            enum mig_libvirt_event expected = MIG_LIBVIRT_IGNORE;

            CHECK_EACH (a, acted) {
                if (strcmp(a->operation, operations[i]) == 0 && strcmp(subs[j], "begin") == 0) {
                    expected = a->event;
                }
            }
            check_number(operations[i], expected, mig_libvirt_event_find(operations[i], subs[j]));
        }
    }
}

CHECK_MAIN(cmocka_unit_test(four_moments_are_acted_on_and_no_other))
