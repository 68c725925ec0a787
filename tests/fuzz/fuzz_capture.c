/* SPDX-License-Identifier: Apache-2.0 */
/* A capture that is read writes and reads again as the same, and can be planned with. */
#include <string.h>

#include "base/alloc.h"
#include "plan/capture.h"
#include "plan/commands.h"
#include "plan/plan.h"
#include "snapshot/node.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    MIG_AUTO(mig_capture_clear) struct mig_capture c = {0}, back = {0};
    MIG_AUTO(mig_node_free) json_t *out = NULL, *again = NULL, *commands = NULL;
    MIG_AUTO(mig_plan_clear) struct mig_plan plan = {.compression = NULL};
    const struct mig_wish wish = {.uri = "tcp:b:1"};
    MIG_AUTO(mig_free) char *text = NULL;
    struct mig_error err;

    if (!mig_capture_from_json((const char *)data, size, &c, &err)) {
        return 0;
    }
    out = mig_capture_to_json(&c);
    text = json_dumps(out, JSON_COMPACT);
    MIG_ASSERT(mig_capture_from_json(text, strlen(text), &back, &err));
    again = mig_capture_to_json(&back);
    MIG_ASSERT(json_equal(out, again));
    mig_plan_make(&c, &back, &wish, &plan);
    commands = mig_commands_make(&plan, &c, &back, &wish);
    return 0;
}
