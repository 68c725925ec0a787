/* SPDX-License-Identifier: Apache-2.0 */
#include "seal/algorithm.h"

#include <stdio.h>
#include <string.h>

#include "base/array.h"

static const EVP_MD *no_digest(void)
{
    return NULL;
}

static const struct mig_algorithm rows[] = {
#define ALGORITHM(type, group, least, most, digest, name) {type, group, least, most, digest, name},
#include "seal/algorithm.def"
};

static bool has_group(const EVP_PKEY *key, const char *group)
{
    char name[64];

    return EVP_PKEY_get_group_name(key, name, sizeof name, NULL) == 1 && strcmp(name, group) == 0;
}

const struct mig_algorithm *mig_algorithm_of(const EVP_PKEY *key)
{
    int bits = EVP_PKEY_get_bits(key);

    for (size_t i = 0; i < MIG_COUNT(rows); i++) {
        if (EVP_PKEY_is_a(key, rows[i].type) && bits >= rows[i].least_bits &&
            bits <= rows[i].most_bits && (rows[i].group == NULL || has_group(key, rows[i].group))) {
            return &rows[i];
        }
    }
    return NULL;
}

void mig_algorithm_describe(const EVP_PKEY *key, char *ret)
{
    const struct mig_algorithm *row = mig_algorithm_of(key);
    const char *type = EVP_PKEY_get0_type_name(key);

    if (row != NULL && row->least_bits == row->most_bits) {
        (void)snprintf(ret, MIG_ALGORITHM_TEXT, "%s", row->name);
    } else {
        (void)snprintf(ret, MIG_ALGORITHM_TEXT, "%s %d bits", type != NULL ? type : "unknown key",
                       EVP_PKEY_get_bits(key));
    }
}
