//! The ratios to tokio as a picture: a line for each workload, a dot for each system, on a logarithmic scale.

use crate::plan::Plan;
use crate::report::{is_shown, row_name};
use crate::results::{Key, Results};
use crate::system::Rt;

const COLOURS: [(&str, &str); 6] =
    [("ours", "#d62728"), ("tokio", "#333333"), ("kameo", "#1f77b4"), ("ractor", "#2ca02c"), ("actix", "#9467bd"), ("xtra", "#ff7f0e")];

const LINE: f64 = 18.0;
const LEFT: f64 = 230.0;
const WIDTH: f64 = 560.0;
const TOP: f64 = 60.0;
/// The scale goes from 2^-5 to 2^5 times tokio; what lies beyond stands at its end.
const EXPONENTS: std::ops::RangeInclusive<i32> = -5..=5;

/// Returns the picture.
pub fn svg(plan: &Plan, results: &Results) -> String {
    let mut y = TOP;
    let mut body = String::new();
    for &rt in &plan.runtimes {
        body += &text(10.0, y, "start", rt.name(), "bold");
        y += LINE;
        let first = y;
        for (name, dots) in rows(plan, results, rt) {
            body += &text(LEFT - 8.0, y, "end", &name, "normal");
            body += &format!("<line x1='{LEFT}' x2='{}' y1='{y}' y2='{y}' stroke='#eee'/>\n", LEFT + WIDTH);
            // Ours last, on top of the others.
            body += &dots.iter().rev().map(|&(system, ratio)| dot(y, system, ratio)).collect::<String>();
            y += LINE;
        }
        body = scale(first - LINE / 2.0, y - LINE / 2.0) + &body;
        y += LINE;
    }
    let (width, height) = (LEFT + WIDTH + 30.0, y);
    format!(
        "<svg xmlns='http://www.w3.org/2000/svg' width='{width}' height='{height}' font-family='sans-serif' font-size='12'>\n\
         <rect width='100%' height='100%' fill='white'/>\n{}{body}</svg>\n",
        legend(plan)
    )
}

type Row = (String, Vec<(&'static str, f64)>);

fn rows(plan: &Plan, results: &Results, rt: Rt) -> Vec<Row> {
    let mut rows = Vec::new();
    for workload in &plan.workloads {
        for value in results.values_of(workload.name).filter(|value| is_shown(plan, value)) {
            let name = row_name(workload, value);
            let key = Key { rt, workload: workload.name, value: value.to_owned(), system: "" };
            let ratio = |&system: &&'static str| Some((system, results.ratio(&Key { system, ..key.clone() })?));
            let dots: Vec<_> = plan.systems.iter().filter_map(ratio).collect();
            if !dots.is_empty() {
                rows.push((name, dots));
            }
        }
    }
    rows
}

fn x(ratio: f64) -> f64 {
    let (from, to) = (f64::from(*EXPONENTS.start()), f64::from(*EXPONENTS.end()));
    LEFT + (ratio.log2().clamp(from, to) - from) / (to - from) * WIDTH
}

fn dot(y: f64, system: &str, ratio: f64) -> String {
    let (colour, radius) = (colour(system), if system == "ours" { 5.5 } else { 4.0 });
    format!(
        "<circle cx='{:.1}' cy='{y}' r='{radius}' fill='{colour}' fill-opacity='0.85'><title>{system} {ratio:.2}</title></circle>\n",
        x(ratio)
    )
}

fn scale(top: f64, bottom: f64) -> String {
    EXPONENTS
        .map(|exponent| {
            let ratio = f64::from(exponent).exp2();
            let (at, colour) = (x(ratio), if exponent == 0 { "#888" } else { "#ddd" });
            let label = if exponent < 0 { format!("1/{}", 1 << -exponent) } else { format!("{ratio}") };
            format!("<line x1='{at}' x2='{at}' y1='{top}' y2='{bottom}' stroke='{colour}'/>\n")
                + &text(at, top - 6.0, "middle", &label, "normal")
        })
        .collect()
}

fn legend(plan: &Plan) -> String {
    let title = text(LEFT, 20.0, "start", "time or memory, as a multiple of what tokio takes: less is better", "bold");
    let names = plan.systems.iter().enumerate().map(|(at, system)| {
        let left = LEFT + 80.0 * at as f64;
        format!("<circle cx='{left}' cy='36' r='4' fill='{}'/>\n", colour(system)) + &text(left + 8.0, 36.0, "start", system, "normal")
    });
    title + &names.collect::<String>()
}

fn colour(system: &str) -> &'static str {
    COLOURS.iter().find(|(name, _)| *name == system).map_or("#999", |(_, colour)| colour)
}

fn text(x: f64, y: f64, anchor: &str, text: &str, weight: &str) -> String {
    format!("<text x='{x}' y='{y}' text-anchor='{anchor}' dominant-baseline='central' font-weight='{weight}'>{text}</text>\n")
}
