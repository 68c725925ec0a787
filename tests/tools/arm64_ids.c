/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines "arm64/ID_AA64PFR0_EL1 VALUE" become "reg ID VALUE" with KVM's id, as
 * arm64_restore reads them.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cpu/reg.h"

#define ID_OF_ARM64 (UINT64_C(0x60) << 56)

int main(void)
{
    char line[256];

    while (fgets(line, sizeof line, stdin) != NULL) {
        char *value = line, *place = strsep(&value, " \n");
        struct mig_error err;
        struct mig_reg reg;

        if (value == NULL || !mig_reg_parse(place, &reg, &err) || reg.space != MIG_SPACE_IDREG) {
            (void)fprintf(stderr, "%s: no arm64 register\n", place);
            return 1;
        }
        printf("reg 0x%" PRIx64 " %s", ID_OF_ARM64 | (uint64_t)reg.sub << 52 | (uint64_t)reg.index,
               value);
    }
    return 0;
}
