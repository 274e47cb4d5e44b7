"""Which rows of which row group are for what, and in which order they are learnt from."""

from modelbus.trainer.rows.row_group_splits import (
    KEPT_ROW_LIMIT,
    group_order,
    kept_row_limit,
    row_order,
    split_group,
    spread,
)


def test_a_groups_rows_are_split_by_seed_and_number_alone() -> None:
    one, same = split_group(1000, 0.2, 5, 3), split_group(1000, 0.2, 5, 3)

    assert one.train.tolist() == same.train.tolist()
    assert sorted([*one.train, *one.hold_out]) == list(range(1000))
    assert len(one.hold_out) == 200
    others = (split_group(1000, 0.2, 6, 3), split_group(1000, 0.2, 5, 4))
    assert all(other.hold_out.tolist() != one.hold_out.tolist() for other in others)
    assert len(split_group(1000, 0.0, 5, 3).hold_out) == 0


def test_what_is_kept_is_spread_over_all_groups() -> None:
    assert spread([10, 20, 30], 60) == [10, 20, 30]
    assert spread([100, 200, 300], 60) == [10, 20, 30]
    taken = spread([7, 1, 5, 0, 11] * 20, 99)
    assert sum(taken) == 99
    assert all(take <= count for take, count in zip(taken, [7, 1, 5, 0, 11] * 20, strict=True))


def test_the_wider_the_matrix_the_fewer_rows_are_kept() -> None:
    assert kept_row_limit(1) == KEPT_ROW_LIMIT
    assert KEPT_ROW_LIMIT > kept_row_limit(100) > kept_row_limit(100_000) > 0


def test_each_epoch_goes_through_all_rows_in_an_order_of_its_own() -> None:
    assert sorted(group_order(9, 1, 0)) == sorted(group_order(9, 1, 1)) == list(range(9))
    assert group_order(9, 1, 0) == group_order(9, 1, 0) != group_order(9, 1, 1)
    assert row_order(50, 1, 0, 2).tolist() != row_order(50, 1, 1, 2).tolist()
