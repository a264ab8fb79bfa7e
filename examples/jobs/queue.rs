//! The queue in the database: every step is one transaction, and this is all that knows SQL.

use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rusqlite::{Connection, OpenFlags, Result, TransactionBehavior, params};

use crate::job::{Job, payload, result};

const SCHEMA: &str = include_str!("schema.sql");

pub struct Queue {
    db: Connection,
    /// The number of this run: whose leases are ours.
    pub run: i64,
}

/// What there was to lease.
pub struct Leased {
    pub jobs: Vec<Job>,
    /// When the next job is due that has to wait for its next attempt, if nothing could be leased.
    pub next_in: Option<Duration>,
}

/// How a job goes on whose worker has panicked.
#[derive(Clone, Copy, Debug)]
pub enum Retry {
    After(Duration),
    /// It has had its attempts.
    Never,
}

/// How many jobs there are of each kind.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counts {
    pub run: i64,
    pub queued: i64,
    pub leased: i64,
    pub done: i64,
    pub failed: i64,
    pub attempts: i64,
    pub panics: i64,
}

/// What a look at every job has found.
#[derive(Clone, Copy, Debug, Default)]
pub struct Audit {
    pub counts: Counts,
    /// Completions of all jobs together.
    pub completions: i64,
    /// Jobs that are done and have no completion.
    pub lost: i64,
    /// Jobs with more than one completion.
    pub double: i64,
    /// Jobs that have a completion and are not done.
    pub stray: i64,
    /// Completions whose result is not the one that the payload yields.
    pub wrong: i64,
}

impl Queue {
    /// Opens the database, and fills it with `jobs` jobs if it is new. What an earlier run had leased waits again.
    pub fn open(path: &Path, jobs: i64) -> Result<Self> {
        let mut db = Connection::open(path)?;
        set_up(&db)?;
        let step = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let version: i64 = step.query_row("PRAGMA user_version", [], |row| row.get(0))?;
        if version == 0 {
            step.execute_batch(SCHEMA)?;
            let mut insert = step.prepare("INSERT INTO jobs (id, payload) VALUES (?1, ?2)")?;
            for id in 1..=jobs {
                insert.execute(params![id, payload(id)])?;
            }
            drop(insert);
            step.execute_batch("PRAGMA user_version = 1")?;
        }
        step.execute("INSERT INTO runs DEFAULT VALUES", [])?;
        let run = step.last_insert_rowid();
        step.commit()?;
        let mut queue = Queue { db, run };
        queue.recover()?;
        Ok(queue)
    }

    /// Puts back all that is leased, since nobody holds a lease now. Returns how many that were.
    pub fn recover(&mut self) -> Result<usize> {
        self.db.execute("UPDATE jobs SET state = 'queued' WHERE state = 'leased'", [])
    }

    /// Leases jobs that are due, the longest due first.
    pub fn lease(&mut self, upto: usize) -> Result<Leased> {
        let now = now();
        let step = self.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut lease = step.prepare_cached(
            "UPDATE jobs SET state = 'leased', attempts = attempts + 1, leased_by = ?1
             WHERE id IN (SELECT id FROM jobs WHERE state = 'queued' AND not_before <= ?2 ORDER BY not_before, id LIMIT ?3)
             RETURNING id, payload, attempts, panics",
        )?;
        let job = |row: &rusqlite::Row<'_>| Ok(Job { id: row.get(0)?, payload: row.get(1)?, attempt: row.get(2)?, panics: row.get(3)? });
        let jobs = lease.query_map(params![self.run, now, upto as i64], job)?.collect::<Result<Vec<_>>>()?;
        drop(lease);
        let next = step.query_row("SELECT min(not_before) FROM jobs WHERE state = 'queued'", [], |row| row.get::<_, Option<i64>>(0))?;
        step.commit()?;
        let next_in = next.filter(|_| jobs.is_empty()).map(|due| Duration::from_millis(due.saturating_sub(now).max(1) as u64));
        Ok(Leased { jobs, next_in })
    }

    /// Completes a job, if the lease still holds: what it yielded and that it is done become true together, or not at all.
    pub fn complete(&mut self, id: i64, attempt: i64, result: i64) -> Result<bool> {
        let step = self.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let held = step.execute("UPDATE jobs SET state = 'done' WHERE id = ?1 AND state = 'leased' AND attempts = ?2", [id, attempt])? == 1;
        if held {
            let insert = "INSERT INTO completions (job, attempt, run, result) VALUES (?1, ?2, ?3, ?4)";
            step.execute(insert, [id, attempt, self.run, result])?;
        }
        step.commit()?;
        Ok(held)
    }

    /// Notes that a worker has panicked over a job, which waits for its next attempt or has failed.
    pub fn panicked(&mut self, id: i64, attempt: i64, error: &str, retry: Retry) -> Result<bool> {
        let (state, not_before) = match retry {
            Retry::After(delay) => ("queued", now().saturating_add(i64::try_from(delay.as_millis()).unwrap_or(i64::MAX))),
            Retry::Never => ("failed", 0),
        };
        let update = "UPDATE jobs SET state = ?3, not_before = ?4, error = ?5, panics = panics + 1
                      WHERE id = ?1 AND state = 'leased' AND attempts = ?2";
        Ok(self.db.execute(update, params![id, attempt, state, not_before, error])? == 1)
    }

    /// Puts back jobs that were leased and not begun.
    pub fn give_back(&mut self, jobs: &[Job]) -> Result<()> {
        let step = self.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        for job in jobs {
            let update = "UPDATE jobs SET state = 'queued' WHERE id = ?1 AND state = 'leased' AND attempts = ?2";
            step.execute(update, [job.id, job.attempt])?;
        }
        step.commit()
    }

    pub fn counts(&self) -> Result<Counts> {
        count(&self.db)
    }

    /// Closes the database, so that no error on the way goes unseen.
    pub fn close(self) -> Result<()> {
        self.db.close().map_err(|(_, error)| error)
    }
}

/// Looks at every job of a database that exists.
pub fn audit(path: &Path) -> Result<Audit> {
    let db = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    db.busy_timeout(Duration::from_secs(5))?;
    let counts = count(&db)?;
    let number = |query: &str| db.query_row(query, [], |row| row.get::<_, i64>(0));
    let per_job = "(SELECT jobs.state, count(completions.job) AS n FROM jobs LEFT JOIN completions ON job = id GROUP BY id)";
    let lost = number(&format!("SELECT count(*) FROM {per_job} WHERE state = 'done' AND n = 0"))?;
    let double = number(&format!("SELECT count(*) FROM {per_job} WHERE n > 1"))?;
    let stray = number(&format!("SELECT count(*) FROM {per_job} WHERE state <> 'done' AND n > 0"))?;
    let mut results = db.prepare("SELECT payload, result FROM completions LEFT JOIN jobs ON id = job")?;
    let results = results.query_map([], |row| Ok((row.get::<_, Option<String>>(0)?, row.get::<_, i64>(1)?)))?;
    let results = results.collect::<Result<Vec<_>>>()?;
    let wrong = results.iter().filter(|(payload, yielded)| payload.as_deref().map(result) != Some(*yielded)).count();
    Ok(Audit { counts, completions: results.len() as i64, lost, double, stray, wrong: wrong as i64 })
}

impl Counts {
    pub fn all(&self) -> i64 {
        self.queued + self.leased + self.done + self.failed
    }
}

impl Audit {
    /// Whether every job is done exactly once.
    pub fn is_good(&self) -> bool {
        let faults = self.lost + self.double + self.stray + self.wrong;
        self.counts.done == self.counts.all() && self.completions == self.counts.all() && faults == 0
    }
}

/// Commits go to the write-ahead log, which the operating system writes to the disk when it likes: they outlive the
/// process, however it ends. After a loss of power the last of them may be missing; those jobs are then done again.
fn set_up(db: &Connection) -> Result<()> {
    db.busy_timeout(Duration::from_secs(5))?;
    db.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))?;
    db.execute_batch("PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON")
}

fn count(db: &Connection) -> Result<Counts> {
    let run = db.query_row("SELECT coalesce(max(number), 0) FROM runs", [], |row| row.get(0))?;
    let mut counts = Counts { run, ..Counts::default() };
    let mut states = db.prepare("SELECT state, count(*), sum(attempts), sum(panics) FROM jobs GROUP BY state")?;
    let mut rows = states.query([])?;
    while let Some(row) = rows.next()? {
        let jobs = row.get(1)?;
        match row.get::<_, String>(0)?.as_str() {
            "queued" => counts.queued = jobs,
            "leased" => counts.leased = jobs,
            "done" => counts.done = jobs,
            _ => counts.failed = jobs,
        }
        counts.attempts += row.get::<_, i64>(2)?;
        counts.panics += row.get::<_, i64>(3)?;
    }
    Ok(counts)
}

fn now() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(now.as_millis()).unwrap_or(i64::MAX)
}
