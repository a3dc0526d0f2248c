"""A worker process: takes jobs from the database, has a backend make the pictures, settles the jobs.

process     threads, signals, how it ends
runner      claim → generate → settle
paid        generate or resume, for what somebody else bills
running     which jobs are in work here, and which of them must stop
pulse       the thread that renews leases, hears of cancels, reaps the jobs of dead workers and says that this one lives
progress    the thread that tells the pages how far a run is
presence    the Worker row
"""
