"""HTTP in: events, presses, survey answers, unsubscribes, the dashboard; and the deliverer that carries inbox rows to the workflows."""
