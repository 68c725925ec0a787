/* SPDX-License-Identifier: Apache-2.0 */
#include "cpu/deps.h"

#include "base/array.h"
#include "cpu/place.h"

#define WORD(space, index, sub, part, mask)                                                        \
    {                                                                                              \
        {MIG_SPACE_##space, (index), (sub), MIG_##part}, (mask)                                    \
    }

static const struct mig_dep edges[] = {
#define DEP(feature, base, reason) {MIG_PLACE_BIT(feature), MIG_PLACE_BIT(base), #feature},
#define DEP_WORD(space, index, sub, part, mask, name, base, reason)                                \
    {WORD(space, index, sub, part, mask), MIG_PLACE_BIT(base), (name)},
#define DEP_ANY(feature, space, index, sub, part, mask, reason)                                    \
    {MIG_PLACE_BIT(feature), WORD(space, index, sub, part, mask), #feature},
#include "cpu/x86_deps.def"
};

struct mig_deps mig_deps_all(void)
{
    return (struct mig_deps){edges, MIG_COUNT(edges)};
}
