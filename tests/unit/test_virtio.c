/* SPDX-License-Identifier: Apache-2.0 */
/* Rows and names of cpu/virtio.def and cpu/virtio_device.def. */
#include <stdio.h>

#include "base/array.h"
#include "base/text.h"
#include "cpu/field.h"
#include "cpu/host.h"
#include "cpu/names.h"
#include "support/check.h"

/* Device numbers of the specification, which the table must hold. */
static const struct {
    uint32_t number;
    const char *name;
    unsigned rows; /* beside the common ones */
} devices[] = {
    {1,  "net",     36},
    {2,  "blk",     16},
    {3,  "console", 3 },
    {4,  "rng",     0 },
    {5,  "balloon", 6 },
    {8,  "scsi",    4 },
    {9,  "9p",      1 },
    {16, "gpu",     5 },
    {18, "input",   0 },
    {19, "vsock",   3 },
    {20, "crypto",  6 },
    {23, "iommu",   7 },
    {24, "mem",     3 },
    {25, "sound",   1 },
    {26, "fs",      1 },
    {27, "pmem",    1 },
};

static const unsigned common[] = {24, 27, 28, 29, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41};

CHECK_TEST(each_device_has_its_name_and_rows)
{
    CHECK_EACH (d, devices) {
        struct mig_reg reg = mig_reg_plain(MIG_SPACE_VIRTIO, d->number);

        check_text(d->name, d->name, mig_virtio_name(d->number));
        check_number(d->name, MIG_COUNT(common) + d->rows, mig_field_of(reg).len);
    }
    check_true("no device 6", mig_virtio_name(6) == NULL);
    check_number("no rows", 0, mig_field_of(mig_reg_plain(MIG_SPACE_VIRTIO, 6)).len);
}

CHECK_TEST(each_device_has_the_bits_of_ring_and_transport)
{
    CHECK_EACH (d, devices) {
        struct mig_reg reg = mig_reg_plain(MIG_SPACE_VIRTIO, d->number);

        CHECK_EACH (bit, common) {
            const struct mig_field *f = mig_field_at(reg, *bit);

            check_true(d->name, f != NULL && f->shape.rule == MIG_RULE_AND);
        }
        check_true("30 is not assigned", mig_field_at(reg, 30) == NULL);
    }
}

CHECK_TEST(names_begin_with_the_device_and_lead_to_ids_and_back)
{
    struct mig_fields all = mig_field_all();

    for (size_t i = 0; i < all.len; i++) {
        const struct mig_field *f = &all.items[i];
        char start[40], id[MIG_FIELD_ID_MAX], expected[MIG_FIELD_ID_MAX];
        const char *names[MIG_NAMES_MAX];

        if (f->reg.space != MIG_SPACE_VIRTIO) {
            continue;
        }
        (void)snprintf(start, sizeof start, "virtio_%s_", mig_virtio_name(f->reg.index));
        check_true(f->name, mig_text_starts(f->name, start));
        mig_field_print_id(f, 0, id);
        (void)snprintf(expected, sizeof expected, "virtio/%s/%u", mig_virtio_name(f->reg.index),
                       (unsigned)f->lo);
        check_text(f->name, expected, id);
        check_true(id, mig_field_find(id) == f && mig_field_find(f->name) == f);
        check_number(id, 1, mig_names_of(f, names));
        check_text(id, f->name, names[0]);
        check_true(id, mig_field_is_flag(f));
    }
}

CHECK_TEST(well_known_bits_stand_where_the_specification_says)
{
    static const struct {
        const char *id, *name;
    } cases[] = {
        {"virtio/net/15",    "virtio_net_mrg_rxbuf"             },
        {"virtio/net/54",    "virtio_net_guest_uso4"            },
        {"virtio/net/55",    "virtio_net_guest_uso6"            },
        {"virtio/net/56",    "virtio_net_host_uso"              },
        {"virtio/net/63",    "virtio_net_speed_duplex"          },
        {"virtio/blk/12",    "virtio_blk_mq"                    },
        {"virtio/scsi/1",    "virtio_scsi_hotplug"              },
        {"virtio/balloon/5", "virtio_balloon_page_reporting"    },
        {"virtio/console/1", "virtio_console_multiport"         },
        {"virtio/9p/0",      "virtio_9p_mount_tag"              },
        {"virtio/rng/32",    "virtio_rng_version_1"             },
        {"virtio/fs/34",     "virtio_fs_ring_packed"            },
        {"virtio/crypto/4",  "virtio_crypto_aead_stateless_mode"},
        {"virtio/gpu/28",    "virtio_gpu_ring_indirect_desc"    },
    };

    CHECK_EACH (c, cases) {
        const struct mig_field *f = mig_field_find(c->id);

        check_true(c->id, f != NULL);
        check_text(c->id, c->name, f->name);
    }
    check_true("no bit 30", mig_field_find("virtio/net/30") == NULL);
    check_true("no device", mig_field_find("virtio/tape/0") == NULL);
    check_true("no bit", mig_field_find("virtio/net") == NULL);
}

CHECK_MAIN(cmocka_unit_test(each_device_has_its_name_and_rows),
           cmocka_unit_test(each_device_has_the_bits_of_ring_and_transport),
           cmocka_unit_test(names_begin_with_the_device_and_lead_to_ids_and_back),
           cmocka_unit_test(well_known_bits_stand_where_the_specification_says))
