//! Which link of a pool sends next: smooth weighted round robin.

/// A link of a pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Member {
    link: i64,
    weight: i64,
    current: i64,
}

/// The turns of a pool's links. A link of weight 2 has two of three turns beside one of weight 1, and never two times in a row more often than it must.
#[derive(Clone, Debug, Default)]
pub(crate) struct Turns(Vec<Member>);

impl Turns {
    /// Keeps the turns of links that stay, so that a reload starts nothing anew.
    pub(crate) fn set(&mut self, links: &[(i64, u32)]) {
        let members = links.iter().map(|&(link, weight)| {
            let known = self.0.iter().find(|member| member.link == link);
            Member {
                link,
                weight: weight.into(),
                current: known.map_or(0, |member| member.current),
            }
        });
        self.0 = members.collect();
    }

    /// The next `count` turns among the links that `is_up` names; none where no link is up.
    pub(crate) fn next(&mut self, count: usize, is_up: impl Fn(i64) -> bool) -> Vec<i64> {
        let total: i64 = self
            .0
            .iter()
            .filter(|member| is_up(member.link))
            .map(|member| member.weight)
            .sum();
        let mut turns = Vec::with_capacity(count);
        for _ in 0..count {
            for member in &mut self.0 {
                if is_up(member.link) {
                    member.current += member.weight;
                }
            }
            // Of equals the first, so that the order of the file decides.
            let best = self
                .0
                .iter_mut()
                .filter(|member| is_up(member.link))
                .reduce(|best, member| {
                    if member.current > best.current {
                        member
                    } else {
                        best
                    }
                });
            let Some(best) = best else { break };
            best.current -= total;
            turns.push(best.link);
        }
        turns
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn pool(links: &[(i64, u32)]) -> Turns {
        let mut turns = Turns::default();
        turns.set(links);
        turns
    }

    #[test]
    fn turns_are_spread_smoothly() {
        let mut turns = pool(&[(1, 5), (2, 1), (3, 1)]);
        assert_eq!(turns.next(7, |_| true), [1, 1, 2, 1, 3, 1, 1]);
    }

    #[test]
    fn links_that_are_down_have_no_turn_and_gather_none() {
        let mut turns = pool(&[(1, 1), (2, 1)]);
        assert_eq!(turns.next(3, |link| link == 2), [2, 2, 2]);
        assert_eq!(
            turns.next(4, |_| true),
            [1, 2, 1, 2],
            "what was missed is not made up for"
        );
        assert_eq!(turns.next(2, |_| false), [0i64; 0]);
        assert_eq!(pool(&[]).next(2, |_| true), [0i64; 0]);
    }

    #[test]
    fn a_reload_keeps_the_turns_of_links_that_stay() {
        let mut turns = pool(&[(1, 1), (2, 1)]);
        assert_eq!(turns.next(1, |_| true), [1]);
        turns.set(&[(1, 1), (2, 1), (3, 1)]);
        assert_eq!(turns.next(3, |_| true), [2, 3, 1]);
    }

    proptest! {
        #[test]
        fn every_link_gets_its_share(weights in proptest::collection::vec(1u32..20, 1..6)) {
            let links: Vec<(i64, u32)> = (1..).zip(weights.iter().copied()).collect();
            let total: u32 = weights.iter().sum();
            let turns = pool(&links).next(usize::try_from(total).unwrap() * 3, |_| true);
            for (link, weight) in links {
                let got = turns.iter().filter(|turn| **turn == link).count();
                prop_assert_eq!(got, usize::try_from(weight).unwrap() * 3);
            }
        }
    }
}
