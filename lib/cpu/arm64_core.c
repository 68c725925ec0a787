/* SPDX-License-Identifier: Apache-2.0 */
#include "cpu/arm64_core.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/array.h"
#include "base/bits.h"
#include "cpu/arm64_reg.h"

static const struct {
    uint8_t implementer;
    uint16_t part;
    const char *name;
} rows[] = {
#define CORE(implementer, part, name) {(implementer), (part), (name)},
#include "cpu/arm64_core.def"
};

#define PART_OF(midr, field)                                                                       \
    mig_bits_get((midr), MIG_ARM64_HI_MIDR_EL1_##field, MIG_ARM64_LO_MIDR_EL1_##field)

/* Since Armv7 the architecture is 0xf; implementers have a letter as code, but
 * Ampere (0xc0) and emulators (0). */
bool mig_arm64_core_is_midr(uint64_t value)
{
    uint64_t implementer = value >> 24;

    return (value & MIG_ARM64_MASK(MIDR_EL1, Architecture)) ==
               MIG_ARM64_MASK(MIDR_EL1, Architecture) &&
           (implementer == 0 || implementer == 0xc0 || (implementer >= 'A' && implementer <= 'z'));
}

const char *mig_arm64_core_name(uint64_t midr)
{
    for (size_t i = 0; i < MIG_COUNT(rows) && midr <= UINT32_MAX; i++) {
        if (PART_OF(midr, Implementer) == rows[i].implementer &&
            PART_OF(midr, PartNum) == rows[i].part) {
            return rows[i].name;
        }
    }
    return NULL;
}

void mig_arm64_core_print(uint64_t midr, char ret[MIG_ARM64_CORE_MAX])
{
    const char *name = mig_arm64_core_name(midr);

    if (name == NULL) {
        (void)snprintf(ret, MIG_ARM64_CORE_MAX, "0x%" PRIx64, midr);
        return;
    }
    (void)snprintf(ret, MIG_ARM64_CORE_MAX, "%s r%" PRIu64 "p%" PRIu64 " (0x%" PRIx64 ")", name,
                   PART_OF(midr, Variant), PART_OF(midr, Revision), midr);
}
