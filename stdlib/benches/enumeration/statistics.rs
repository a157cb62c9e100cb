//! Welch's t over cropped samples, and samples in a file.

use std::fs;
use std::io::{self, Write as _};
use std::path::Path;

/// What |t| must stay below, where the means differ by more than [`NEGLIGIBLE`].
const LIMIT: f64 = 4.5;
/// Part of the time of a hash that a difference of means may come to.
const NEGLIGIBLE: f64 = 0.01;

/// Mean and variance of the mean.
struct Moments {
    mean: f64,
    error: f64,
}

/// Prints classes and pairs; true if one of the pairs can be told apart.
pub fn judge(classes: &[&str], samples: &[Vec<f64>], argon2: f64) -> bool {
    let mut pooled: Vec<f64> = samples.iter().flatten().copied().collect();
    pooled.sort_by(f64::total_cmp);
    let crop = pooled[(pooled.len() * 99 / 100).min(pooled.len() - 1)];
    println!("pooled 99th percentile {:.1} us", crop * 1e6);
    println!(
        "{:<12} {:>8} {:>8} {:>12} {:>12} {:>12}",
        "class", "samples", "below", "mean us", "median us", "all: mean us"
    );
    let cropped: Vec<Vec<f64>> =
        samples.iter().map(|class| class.iter().copied().filter(|time| *time < crop).collect()).collect();
    for ((class, all), below) in classes.iter().zip(samples).zip(&cropped) {
        let mut sorted = below.clone();
        sorted.sort_by(f64::total_cmp);
        let middle = sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN);
        println!(
            "{class:<12} {:>8} {:>8} {:>12.1} {:>12.1} {:>12.1}",
            all.len(),
            below.len(),
            moments(below).mean * 1e6,
            middle * 1e6,
            moments(all).mean * 1e6
        );
    }
    println!("{:<26} {:>8} {:>14} {:>18}", "pair", "t", "difference us", "of a hash");
    let mut told = false;
    for first in 0..classes.len() {
        for second in first + 1..classes.len() {
            let (left, right) = (moments(&cropped[first]), moments(&cropped[second]));
            let difference = left.mean - right.mean;
            let t = difference / (left.error + right.error).sqrt();
            let part = difference.abs() / argon2;
            // What is not a number tells nothing apart, and is no proof that nothing does.
            let apart = !(t.abs() < LIMIT || part < NEGLIGIBLE);
            told |= apart;
            let pair = format!("{} / {}", classes[first], classes[second]);
            println!(
                "{pair:<26} {t:>8.2} {:>14.2} {:>16.3} %{}",
                difference * 1e6,
                part * 100.0,
                if apart { "  told apart" } else { "" }
            );
        }
    }
    told
}

fn moments(samples: &[f64]) -> Moments {
    let count = samples.len() as f64;
    let mean = samples.iter().sum::<f64>() / count;
    let variance = samples.iter().map(|time| (time - mean).powi(2)).sum::<f64>() / (count - 1.0);
    Moments { mean, error: variance / count }
}

/// Adds samples to a file (a line each: class and nanoseconds) and reads all that it holds.
pub fn appended(path: &Path, samples: &[Vec<f64>]) -> io::Result<Vec<Vec<f64>>> {
    let mut file = io::BufWriter::new(fs::OpenOptions::new().create(true).append(true).open(path)?);
    for (class, times) in samples.iter().enumerate() {
        for time in times {
            writeln!(file, "{class} {:.0}", time * 1e9)?;
        }
    }
    file.flush()?;
    let mut all = vec![Vec::new(); samples.len()];
    for line in fs::read_to_string(path)?.lines() {
        let read = line
            .split_once(' ')
            .and_then(|(class, time)| Some((class.parse::<usize>().ok()?, time.parse::<f64>().ok()?)));
        let (class, time) = read.ok_or_else(|| io::Error::other(format!("not a sample: {line}")))?;
        all.get_mut(class).ok_or_else(|| io::Error::other("a class that is not known"))?.push(time / 1e9);
    }
    Ok(all)
}
