/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/libvirt_event.h"

#include <string.h>

#include "base/array.h"

static const struct {
    const char *operation, *sub;
    enum mig_libvirt_event event;
} events[] = {
#define EVENT(operation, sub, event) {operation, sub, MIG_LIBVIRT_##event},
#include "gate/libvirt_event.def"
};

enum mig_libvirt_event mig_libvirt_event_find(const char *operation, const char *sub)
{
    for (size_t i = 0; i < MIG_COUNT(events); i++) {
        if (strcmp(events[i].operation, operation) == 0 && strcmp(events[i].sub, sub) == 0) {
            return events[i].event;
        }
    }
    return MIG_LIBVIRT_IGNORE;
}
