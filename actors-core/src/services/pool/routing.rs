//! Who gets a message: decided by plain functions over the workers' places.

use std::hash::{DefaultHasher, Hash, Hasher};

/// Whom a pool picks for a message that is sent without a key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Routing {
    /// Each in its turn. The default.
    #[default]
    RoundRobin,
    /// The one with the fewest messages, that in hand included; among equals, each in its turn. One that is being
    /// restarted comes after all that run. To find it, all of them are looked at: that is for pools of tens, not thousands.
    LeastLoaded,
}

/// What a worker has before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Load {
    /// So many messages, that in hand included.
    Running(u64),
    /// So many messages, which wait until it runs again.
    Down(u64),
}

impl Load {
    const NONE: Load = Load::Running(0);
}

/// Picks the next that is `open`, from the place whose turn it is.
pub(super) fn in_turn<T>(workers: &[T], turn: usize, open: impl Fn(&T) -> bool) -> Option<&T> {
    places_from(turn, workers.len()).map(|place| &workers[place]).find(|worker| open(worker))
}

/// Picks the one with the least load among those that have one; among equals, the next from the place whose turn it is.
pub(super) fn least_loaded<T>(workers: &[T], turn: usize, load: impl Fn(&T) -> Option<Load>) -> Option<&T> {
    let mut least: Option<(Load, &T)> = None;
    for worker in places_from(turn, workers.len()).map(|place| &workers[place]) {
        match load(worker) {
            Some(Load::NONE) => return Some(worker),
            Some(load) if least.is_none_or(|(known, _)| load < known) => least = Some((load, worker)),
            _ => {}
        }
    }
    least.map(|(_, worker)| worker)
}

/// Picks the one whose place weighs most for the key, among those that are `open` (rendezvous hashing).
///
/// A key moves only when the place that it has goes, or when a new place weighs more for it: one more worker takes
/// its share from all others, and they keep the rest.
pub(super) fn by_key<T>(workers: &[T], key: u64, open: impl Fn(&T) -> bool) -> Option<&T> {
    let open = workers.iter().enumerate().filter(|(_, worker)| open(worker));
    open.max_by_key(|(place, _)| weight(key, *place)).map(|(_, worker)| worker)
}

/// The key as a number: the same for equal keys, as long as the process lives.
pub(super) fn hash_of(key: &(impl Hash + ?Sized)) -> u64 {
    let mut hasher = DefaultHasher::new();
    key.hash(&mut hasher);
    hasher.finish()
}

/// All places, from the one whose turn it is.
fn places_from(turn: usize, count: usize) -> impl Iterator<Item = usize> {
    let first = turn.checked_rem(count).unwrap_or(0);
    (first..count).chain(0..first)
}

/// What a place weighs for a key: any two numbers mixed so that each bit of either changes half of the outcome.
fn weight(key: u64, place: usize) -> u64 {
    mix(key ^ mix(place as u64 + 1))
}

/// The last step of the generator SplitMix64.
fn mix(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEYS: u64 = 10_000;

    fn place_of(key: u64, workers: usize) -> usize {
        let places: Vec<usize> = (0..workers).collect();
        *by_key(&places, hash_of(&key), |_| true).expect("there are some")
    }

    #[test]
    fn turns_go_round_and_pass_over_those_that_are_gone() {
        let gone = 1;
        let picked = |turn| in_turn(&[0, 1, 2], turn, |place| *place != gone).copied();

        let turns = [0, 1, 2, 3, 4, 5, usize::MAX].map(picked);

        // The greatest number leaves no rest when it is divided by three.
        assert_eq!(turns, [Some(0), Some(2), Some(2), Some(0), Some(2), Some(2), Some(0)]);
        assert_eq!(in_turn(&[0, 1], 0, |_| false), None);
        assert_eq!(in_turn::<u8>(&[], 7, |_| true), None);
    }

    #[test]
    fn the_least_load_is_picked_and_equals_take_turns() {
        use Load::{Down, Running};
        /// The load of each, whose turn it is, and who is picked.
        type Case<'a> = (&'a [Option<Load>], usize, Option<usize>);
        let cases: [Case<'_>; 8] = [
            (&[Some(Running(2)), Some(Running(1)), Some(Running(3))], 0, Some(1)),
            (&[Some(Running(1)), Some(Running(1))], 0, Some(0)),
            (&[Some(Running(1)), Some(Running(1))], 1, Some(1)),
            (&[Some(Running(0)), Some(Running(0))], 3, Some(1)),
            (&[Some(Down(0)), Some(Running(9))], 0, Some(1)),
            (&[Some(Down(3)), Some(Down(2))], 0, Some(1)),
            (&[None, Some(Running(9))], 0, Some(1)),
            (&[None, None], 0, None),
        ];
        for (loads, turn, expected) in cases {
            let places: Vec<usize> = (0..loads.len()).collect();
            assert_eq!(least_loaded(&places, turn, |place| loads[*place]).copied(), expected, "{loads:?} from {turn}");
        }
    }

    #[test]
    fn keys_are_spread_evenly() {
        let mut shares = [0_u64; 5];
        (0..KEYS).for_each(|key| shares[place_of(key, 5)] += 1);

        assert!(shares.iter().all(|share| (1_800..2_200).contains(share)), "{shares:?}");
    }

    #[test]
    fn one_more_worker_moves_no_key_but_those_that_it_takes() {
        let moved: Vec<_> = (0..KEYS).filter(|key| place_of(*key, 4) != place_of(*key, 5)).collect();

        assert!(moved.iter().all(|key| place_of(*key, 5) == 4), "a key moved between workers that were there before");
        assert!((1_800..2_200).contains(&moved.len()), "{} keys moved", moved.len());
    }

    #[test]
    fn only_the_keys_of_a_worker_that_is_gone_move() {
        let places: Vec<usize> = (0..4).collect();
        for key in 0..KEYS {
            let without = *by_key(&places, hash_of(&key), |place| *place != 2).expect("there are others");
            assert!(without != 2 && (place_of(key, 4) == 2 || place_of(key, 4) == without), "key {key}");
        }
    }
}
