"""Pages for whoever runs the studio: queues, workers, engines, what runs, what waits and why. Of people's work: no words and no results."""
