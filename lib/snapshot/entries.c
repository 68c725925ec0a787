/* SPDX-License-Identifier: Apache-2.0 */
#include "snapshot/entries.h"

#include "base/alloc.h"
#include "seal/seal.h"

#define ENTRY_BYTES 17

static unsigned char *put_u64(unsigned char *p, uint64_t value)
{
    for (int shift = 56; shift >= 0; shift -= 8) {
        *p++ = (unsigned char)(value >> shift);
    }
    return p;
}

void mig_entries_digest(enum mig_arch arch, const struct mig_entry *entries, size_t len,
                        unsigned char ret[MIG_DIGEST_BYTES])
{
    size_t size = 1 + len * ENTRY_BYTES;
    unsigned char *bytes = mig_alloc(size, 1), *p = bytes;

    *p++ = (unsigned char)arch;
    for (size_t i = 0; i < len; i++) {
        p = put_u64(p, entries[i].key);
        p = put_u64(p, entries[i].value);
        *p++ = entries[i].errnum == 0;
    }
    mig_sha256(bytes, size, ret);
    mig_free(bytes);
}
