//! What has been measured so far.

use std::collections::BTreeMap;

use crate::system::Rt;
use crate::systems::BASE;

/// Of what a value is one of several.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// On which runtime.
    pub rt: Rt,
    /// In which workload.
    pub workload: &'static str,
    /// What the value is called there.
    pub value: String,
    /// Of which system.
    pub system: &'static str,
}

/// The values of all runs.
#[derive(Debug, Default)]
pub struct Results {
    /// By the number of the run: a measurement may have failed in one, and not in another.
    values: BTreeMap<Key, BTreeMap<usize, f64>>,
    /// The workloads and the names of their values, as they came first.
    names: Vec<(&'static str, String)>,
}

impl Results {
    /// Notes one more.
    pub fn add(&mut self, run: usize, key: Key, value: f64) {
        let name = (key.workload, key.value.clone());
        if !self.names.contains(&name) {
            self.names.push(name);
        }
        self.values.entry(key).or_default().insert(run, value);
    }

    /// Returns the median of a value.
    pub fn median(&self, key: &Key) -> Option<f64> {
        self.values.get(key).map(|values| median(values.values().copied().collect()))
    }

    /// Returns the median of the ratios to tokio, each within one run.
    pub fn ratio(&self, key: &Key) -> Option<f64> {
        let base = self.values.get(&Key { system: BASE, ..key.clone() })?;
        let values = self.values.get(key)?;
        let ratios: Vec<_> = values.iter().filter_map(|(run, value)| Some(value / base.get(run)?)).collect();
        (!ratios.is_empty() && ratios.iter().all(|ratio| ratio.is_finite())).then(|| median(ratios))
    }

    /// Returns the names of what was measured in a workload, in the order in which it was.
    pub fn values_of(&self, workload: &str) -> impl Iterator<Item = &str> {
        self.names.iter().filter(move |(of, _)| *of == workload).map(|(_, value)| value.as_str())
    }

    /// Returns all values, one in a line, for other programs.
    pub fn to_tsv(&self) -> String {
        let mut tsv = String::from("rt\tworkload\tvalue\tsystem\truns\n");
        for (Key { rt, workload, value, system }, values) in &self.values {
            let values: Vec<_> = values.values().map(f64::to_string).collect();
            tsv += &format!("{}\t{workload}\t{value}\t{system}\t{}\n", rt.name(), values.join("\t"));
        }
        tsv
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len() % 2 == 1 { values[middle] } else { (values[middle - 1] + values[middle]) / 2.0 }
}

#[cfg(test)]
mod tests {
    use super::{Key, Results};
    use crate::system::Rt;

    fn key(system: &'static str) -> Key {
        Key { rt: Rt::Ct, workload: "tell", value: "ns".to_owned(), system }
    }

    /// Adds values of the first run, the second, and so on.
    fn add(results: &mut Results, system: &'static str, values: &[f64]) {
        values.iter().enumerate().for_each(|(run, &value)| results.add(run, key(system), value));
    }

    #[test]
    fn the_median_of_an_even_number_lies_between() {
        let mut results = Results::default();
        add(&mut results, "ours", &[4.0, 1.0, 9.0, 2.0]);

        assert_eq!(results.median(&key("ours")), Some(3.0));
    }

    #[test]
    fn ratios_are_taken_within_each_run() {
        let mut results = Results::default();
        add(&mut results, "ours", &[10.0, 20.0, 90.0]);
        add(&mut results, "tokio", &[20.0, 40.0, 30.0]);

        assert_eq!(results.ratio(&key("ours")), Some(0.5));
        assert_eq!(results.ratio(&key("tokio")), Some(1.0));
    }

    #[test]
    fn a_run_that_failed_is_not_compared_with_another() {
        let mut results = Results::default();
        add(&mut results, "tokio", &[20.0, 40.0]);
        results.add(1, key("ours"), 10.0);

        assert_eq!(results.ratio(&key("ours")), Some(0.25));
    }

    #[test]
    fn nothing_is_compared_with_what_was_not_measured() {
        let mut results = Results::default();
        add(&mut results, "ours", &[10.0]);

        assert_eq!(results.ratio(&key("ours")), None);
    }
}
