/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sign a contract as the agent of CERT would: contract JSON in, a sealed
 * contract out; with "raw" its payload alone.
 *
 *   seal_contract CERT KEY CONTRACT.json > SEALED
 *   seal_contract raw CONTRACT.json > PAYLOAD
 */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "pact/contract.h"
#include "seal/key.h"
#include "seal/seal.h"
#include "snapshot/import.h"

static bool load(const char *path, struct mig_bytes *ret, struct mig_error *err)
{
    MIG_AUTO(mig_bytes_clear) struct mig_bytes file = {0};
    MIG_AUTO(mig_contract_free) struct mig_contract *c = NULL;

    if (!mig_file_read(path, MIG_IMPORT_BYTES_MAX, &file, err) ||
        !mig_contract_from_json((const char *)file.items, file.len, &c, err)) {
        return false;
    }
    mig_contract_encode(c, ret);
    return true;
}

static bool run(int argc, char **argv, struct mig_error *err)
{
    MIG_AUTO(mig_bytes_clear) struct mig_bytes payload = {0};
    MIG_AUTO(mig_bytes_clear) struct mig_bytes sealed = {0};
    MIG_AUTO(mig_key_free) struct mig_key *key = NULL;

    if (argc == 3 && strcmp(argv[1], "raw") == 0) {
        return load(argv[2], &payload, err) &&
               mig_file_write("-", payload.items, payload.len, 0644, err);
    }
    if (argc != 4) {
        return mig_fail(err, MIG_USAGE, "usage: seal_contract CERT KEY CONTRACT.json");
    }
    return mig_key_load(argv[1], argv[2], &key, err) && load(argv[3], &payload, err) &&
           mig_seal(key, MIG_PAYLOAD_CONTRACT, payload.items, payload.len, &sealed, err) &&
           mig_file_write("-", sealed.items, sealed.len, 0644, err);
}

int main(int argc, char **argv)
{
    struct mig_error err;

    mig_log_init("seal_contract", MIG_LOG_WARN);
    if (!run(argc, argv, &err)) {
        mig_log_error("%s", err.msg);
        return mig_error_exit_status(err.code);
    }
    return 0;
}
