"""From question to answer: who answers, who judges that, and how good the answers are."""
