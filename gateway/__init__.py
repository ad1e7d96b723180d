"""HTTP in: events, presses, survey answers, unsubscribes, the dashboard; and the deliverer to the workflows."""
