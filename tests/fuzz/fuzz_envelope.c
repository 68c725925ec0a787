/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes from anyone: form, chain, identity and signature of an envelope.  The
 * seeds were sealed under the authority below, whose key is gone. */
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/alloc.h"
#include "seal/key.h"
#include "seal/seal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char authority[] = "-----BEGIN CERTIFICATE-----\n"
                                "MIIBljCCATygAwIBAgIQM5UQ4PfivOZSd5Z/T/oRizAKBggqhkjOPQQDAjAYMRYw\n"
                                "FAYDVQQDDA1UZXN0IEZsZWV0IENBMCAXDTcwMDEwMTAwMDAwMFoYDzIxMDAwMTAx\n"
                                "MDAwMDAwWjAYMRYwFAYDVQQDDA1UZXN0IEZsZWV0IENBMFkwEwYHKoZIzj0CAQYI\n"
                                "KoZIzj0DAQcDQgAE0qeQIdJkZrwsIEG3WJL3nnMQs96xKpVKvKagslr1BJdS1oSD\n"
                                "qiy9UFLMjmGVul6qViH2LdkfZ9VN/ltaueH2u6NmMGQwEgYDVR0TAQH/BAgwBgEB\n"
                                "/wIBADAOBgNVHQ8BAf8EBAMCAQYwHQYDVR0OBBYEFKMGyac2byWAouYpm6yrT0bP\n"
                                "Z9fLMB8GA1UdIwQYMBaAFKMGyac2byWAouYpm6yrT0bPZ9fLMAoGCCqGSM49BAMC\n"
                                "A0gAMEUCIFCYJhu38MBMJKyzB8o2HtDBaF7ZYsbpgiU6tnl9KftXAiEA5Ed/4BCX\n"
                                "v/dkkusSHUS7lqYcOgvzkxWLnxf+WIlMyJU=\n"
                                "-----END CERTIFICATE-----\n";

static struct mig_trust *load(void)
{
    int fd = memfd_create("authority", MFD_CLOEXEC);
    MIG_AUTO(mig_free) char *path = mig_strf("/proc/self/fd/%d", fd);
    struct mig_trust *trust = NULL;
    struct mig_error err;

    MIG_ASSERT(fd >= 0 && mig_fd_write(fd, path, authority, sizeof authority - 1, &err) &&
               mig_trust_load(path, NULL, &trust, &err));
    (void)close(fd);
    return trust;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct mig_trust *trust;
    struct mig_payload *p = NULL;
    struct mig_error err;

    trust = trust != NULL ? trust : load();
    if (mig_seal_open(trust, MIG_PAYLOAD_SNAPSHOT, data, size, &p, &err)) {
        MIG_ASSERT(mig_seal_is_envelope(data, size) && p->len < size);
    }
    mig_payload_free(p);
    return 0;
}
